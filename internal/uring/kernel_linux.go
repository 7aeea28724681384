//go:build linux

package uring

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel stands in for the kernel behind a Ring: it takes entries out of the
// submission queue, carries them out, and puts completions into the completion
// queue. Its methods follow the system calls that they stand for, and may be called
// wherever those may.
type Kernel interface {
	// FD returns a descriptor that becomes readable when something has happened for
	// which Enter with EnterGetEvents is needed. Completions that are posted during
	// a call of Enter need not make it readable.
	FD() int
	// Enter is io_uring_enter(2), as Ring.Enter describes it.
	Enter(toSubmit, minComplete, flags uint32, timeout, minWait time.Duration) (submitted int, err error)
	// Register is io_uring_register(2).
	Register(op uint32, arg unsafe.Pointer, n uint32) (int, syscall.Errno)
	// Alias notes that fd, a duplicate of FD, names this Kernel to others, for
	// messages between rings, or that it does so no longer.
	Alias(fd int, valid bool)
	// Close cancels what is left, and frees all but the memory of the queues.
	Close() error
}

// Memory is what a Ring shares with a Kernel. The words are as those of a mapped
// ring, and both sides use them with the same order.
type Memory struct {
	SQHead, SQTail, SQFlags, SQDropped uint32
	CQHead, CQTail, CQOverflow         uint32

	SQEs []SQE
	CQEs []CQE
}

// NewMemory returns memory for queues of the sizes that o asks for, rounded and cut
// as the kernel does.
func NewMemory(o Options) (*Memory, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.CQEntries == 0 {
		o.CQEntries = 2 * o.Entries
	}
	return &Memory{
		SQEs: make([]SQE, roundUp(o.Entries, maxEntries)),
		CQEs: make([]CQE, roundUp(o.CQEntries, maxCQEntries)),
	}, nil
}

// Over returns a Ring over k, which has the given Feat bits. There is no mapping and
// no system call behind it.
func Over(k Kernel, m *Memory, features uint32) *Ring {
	r := &Ring{
		SQ:     NewSQ(&m.SQHead, &m.SQTail, &m.SQFlags, &m.SQDropped, m.SQEs, nil),
		CQ:     NewCQ(&m.CQHead, &m.CQTail, &m.CQOverflow, m.CQEs),
		kernel: k, features: features, m: &mapping{},
	}
	r.fd.Store(int32(k.FD()))
	return r
}

// Emulated reports whether a Kernel stands in for the kernel.
func (r *Ring) Emulated() bool { return r.kernel != nil }

// Behind returns the Kernel that stands in for the kernel, or nil.
func (r *Ring) Behind() Kernel { return r.kernel }

// Duplicate returns a duplicate of the ring's descriptor, by which MSG_RING entries
// of other rings can name it, and what closes it.
func (r *Ring) Duplicate() (fd int, release func(), err error) {
	fd, err = unix.FcntlInt(uintptr(r.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, nil, err
	}
	if r.kernel != nil {
		r.kernel.Alias(fd, true)
	}
	return fd, func() {
		if r.kernel != nil {
			r.kernel.Alias(fd, false)
		}
		_ = unix.Close(fd) // it is ours
	}, nil
}
