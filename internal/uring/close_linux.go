//go:build linux

package uring

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Close unregisters the ring's descriptor, unmaps the ring and closes it. The
// kernel then cancels what is in flight, in its own time: whoever needs buffers
// back cancels and waits first (trap 29). In pinned mode the owner must call it,
// locked to its thread; from another thread Close still releases everything but
// the registered index, and says so with ErrWrongThread.
//
// Close waits for register calls, and is safe to call again and concurrently:
// later calls return nil. No other goroutine may use SQ, CQ or Enter meanwhile.
// Afterwards both queues are empty and without entries, so that Next and Peek
// return nil, and calls return ErrClosed.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fd := int(r.fd.Load())
	if fd < 0 {
		return nil
	}
	unregisterErr := r.unregisterRingFD()
	r.fd.Store(-1)
	r.enterFD, r.enterFlags = -1, 0
	*r.SQ, *r.CQ = closedSQ(), closedCQ()
	if r.kernel != nil {
		return r.kernel.Close()
	}
	unmapErr := r.m.unmap()
	closeErr := unix.Close(fd)
	if closeErr != nil {
		closeErr = fmt.Errorf("uring: close of ring: %w", closeErr)
	}
	return errors.Join(unregisterErr, unmapErr, closeErr)
}

// closedSQ returns a queue without entries, which is empty and full for ever.
func closedSQ() SQ {
	words := new([4]uint32)
	return SQ{head: &words[0], tail: &words[1], flags: &words[2], dropped: &words[3]}
}

// closedCQ returns a queue that is empty for ever.
func closedCQ() CQ {
	words := new([3]uint32)
	return CQ{head: &words[0], tail: &words[1], overflow: &words[2]}
}
