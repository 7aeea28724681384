//go:build linux

package uring

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// register makes an io_uring_register call on the ring, by its plain descriptor,
// and waits for no lock but Close's. The error names the operation and matches
// the errno.
func (r *Ring) register(op uint32, name string, arg unsafe.Pointer, n uint32) (int, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.kernel != nil && r.fd.Load() >= 0 {
		res, errno := r.kernel.Register(op, arg, n)
		if errno != 0 {
			return 0, fmt.Errorf("uring: register %s: %w", name, errno)
		}
		return res, nil
	}
	return register(r.fd.Load(), op, name, arg, n)
}

// register makes the system call. EEXIST from any operation on a ring with
// SINGLE_ISSUER means that another thread owns it (trap 2).
func register(fd int32, op uint32, name string, arg unsafe.Pointer, n uint32) (int, error) {
	if fd < 0 && fd != noRing {
		return 0, ErrClosed
	}
	if fd == noRing {
		fd = -1
	}
	for {
		res, _, errno := syscall.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(fd), uintptr(op),
			uintptr(arg), uintptr(n), 0, 0)
		if errno == 0 {
			return int(res), nil
		}
		if errno == syscall.EINTR && op != RegisterSyncCancel {
			// A signal came while the kernel waited for requests to let go of a
			// resource, before anything was changed. SyncCancel has a deadline to
			// keep and sees it.
			continue
		}
		return 0, fmt.Errorf("uring: register %s: %w", name, errno)
	}
}

// noRing stands for the descriptor -1 of operations that need no ring, as
// opposed to the -1 of a closed one.
const noRing = -2

// first returns the address of the first element, or nil, and pins it for the
// call. Pinning also moves it to the heap: structures hand such addresses to the
// kernel as integers, which would not follow a growing stack (trap 8).
func first[T any](p *runtime.Pinner, s []T) unsafe.Pointer {
	if len(s) == 0 {
		return nil
	}
	p.Pin(&s[0])
	return unsafe.Pointer(&s[0])
}

// pinnedAddress is first as the 64-bit integer that structures hold.
func pinnedAddress[T any](p *runtime.Pinner, s []T) uint64 {
	return uint64(uintptr(first(p, s)))
}

// registerError is the error of an operation that reports a negated errno in a
// structure.
func registerError(name string, result int32) error {
	return fmt.Errorf("uring: register %s: %w", name, syscall.Errno(-result))
}
