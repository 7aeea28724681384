//go:build linux

package uring

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// Resize changes the sizes of both queues; what they hold is kept. SQ and CQ
// stay valid, entries handed out by Next and Peek do not. entries and cqEntries
// are as in Options. IORING_REGISTER_RESIZE_RINGS, Linux 6.13, on rings with
// DEFER_TASKRUN and NO_SQARRAY only (else EINVAL), from the owner's thread.
// EOVERFLOW: the new sizes do not hold what is there.
//
// An error that matches ErrClosed means that the new ring could not be mapped:
// nothing is left to work with, and the ring was closed.
func (r *Ring) Resize(entries, cqEntries uint32) error {
	o := Options{Entries: entries, CQEntries: cqEntries}
	if err := o.check(); err != nil {
		return err
	}
	if r.FD() < 0 {
		return ErrClosed
	}
	if r.flags&SetupNoSQArray == 0 {
		// Linux 6.18 goes on reading the old index array: entries never start.
		return fmt.Errorf("uring: resize of a ring with an index array: %w", syscall.EINVAL)
	}
	r.SQ.Publish() // the kernel moves only what it can see
	p := params{sqEntries: entries, cqEntries: cqEntries, flags: SetupClamp}
	if cqEntries != 0 {
		p.flags |= SetupCQSize
	}
	if err := r.resize(&p); err != nil {
		if errors.Is(err, ErrClosed) {
			err = errors.Join(err, r.Close())
		}
		return err
	}
	return nil
}

// resize makes the call and replaces the mapping.
func (r *Ring) resize(p *params) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fd := r.fd.Load()
	if _, err := register(fd, RegisterResizeRings, "resize rings", unsafe.Pointer(p), 1); err != nil {
		return err
	}
	p.flags |= SetupNoSQArray
	m, err := mapRing(int(fd), p, r.features)
	if err != nil {
		return errors.Join(ErrClosed, err)
	}
	sq, cq := m.queues(p)
	*r.SQ, *r.CQ = *sq, *cq
	err = r.m.unmap()
	r.m = m
	return err
}
