//go:build linux

package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// RegisterIOWQMaxWorkers limits the kernel's own worker threads (trap 41):
// bound for files and block devices, unbound for work that may wait for ever.
// Zero leaves a limit as it is. It returns the limits before. Every OS thread
// that submits has a pool of its own, and the limit holds for each pool, so a
// ring used by many threads can have a multiple of it.
// IORING_REGISTER_IOWQ_MAX_WORKERS, Linux 5.15.
func (r *Ring) RegisterIOWQMaxWorkers(bound, unbound uint32) (wasBound, wasUnbound uint32, err error) {
	arg := [2]uint32{IOWQBound: bound, IOWQUnbound: unbound}
	_, err = r.register(RegisterIOWQMaxWorkers, "iowq max workers", unsafe.Pointer(&arg), 2)
	return arg[IOWQBound], arg[IOWQUnbound], err
}

// RegisterIOWQAff ties the calling thread's kernel workers to the processors of
// set. IORING_REGISTER_IOWQ_AFF, Linux 5.14.
func (r *Ring) RegisterIOWQAff(set *unix.CPUSet) error {
	_, err := r.register(RegisterIOWQAff, "iowq aff", unsafe.Pointer(set), uint32(unsafe.Sizeof(*set)))
	return err
}

// UnregisterIOWQAff undoes RegisterIOWQAff. IORING_UNREGISTER_IOWQ_AFF,
// Linux 5.14.
func (r *Ring) UnregisterIOWQAff() error {
	_, err := r.register(UnregisterIOWQAff, "iowq aff (undo)", nil, 0)
	return err
}
