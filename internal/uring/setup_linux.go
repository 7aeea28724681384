//go:build linux

package uring

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is one io_uring instance: its two queues, its mapping and its descriptor.
// The package comment says who may call what.
type Ring struct {
	// SQ is the submission queue; its user holds a lock, or is alone.
	SQ *SQ
	// CQ is the completion queue; its user holds a lock, or is alone.
	CQ *CQ

	fd       atomic.Int32 // -1 once closed
	kernel   Kernel       // nil: the real one
	flags    uint32
	features uint32

	// What Enter passes: the descriptor, or its registered index together with
	// EnterRegisteredRing. Written by the owner alone.
	enterFD    int32
	enterFlags uint32
	ownerTID   int // thread that registered the descriptor, 0 for none

	// The kernel reads wait by address, so it is part of this heap object and
	// never on a stack (trap 8). One thread at a time waits with a timeout.
	wait struct {
		arg geteventsArg
		ts  timespec
	}

	mu sync.RWMutex // register calls share it, Close and Resize own it; guards m
	m  *mapping
}

// Setup creates a ring with the best flags that the kernel takes, as
// io_uring_setup(2) describes, and maps it. It needs Linux 5.11.
//
// A refusal is a *SetupError, and matches ErrUnavailable with errors.Is where
// io_uring cannot be had here; other errors are a shortage, or invalid sizes
// (EINVAL). The descriptor is close-on-exec and counts against RLIMIT_NOFILE.
func Setup(o Options) (*Ring, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	fd, p, err := negotiate(&o)
	if err != nil {
		return nil, err
	}
	r := &Ring{flags: p.flags, features: p.features &^ o.HideFeatures}
	if err := r.start(fd, p); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return r, nil
}

// negotiate calls io_uring_setup with plainer and plainer flags.
func negotiate(o *Options) (fd int, p *params, err error) {
	flags := o.flags()
	for {
		entries, p := o.params(flags)
		n, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP,
			uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
		if errno == 0 {
			return int(n), p, nil
		}
		// EINVAL: a flag that this kernel does not have yet. Every other errno
		// would meet the plainest ring as well.
		next, ok := plainer(flags)
		if errno != syscall.EINVAL || !ok {
			return -1, nil, setupError(fmt.Sprintf("io_uring_setup(%d)", o.Entries), errno)
		}
		flags = next
	}
}

// start checks features, maps the ring fd, and proves that it can be entered: a
// sandbox may allow one of the three system calls and not the others.
func (r *Ring) start(fd int, p *params) error {
	if err := featureError(r.features); err != nil {
		return err
	}
	m, err := mapRing(fd, p, r.features)
	if err != nil {
		return err
	}
	r.m = m
	r.SQ, r.CQ = m.queues(p)
	r.fd.Store(int32(fd))
	r.enterFD = int32(fd)
	r.wait.arg.ts = uint64(uintptr(unsafe.Pointer(&r.wait.ts)))
	if r.flags&SetupRDisabled != 0 {
		return nil
	}
	if _, err := r.EnterPlain(0, 0, 0); err != nil {
		var errno syscall.Errno
		errors.As(err, &errno)
		return errors.Join(setupError("io_uring_enter", errno), m.unmap())
	}
	return nil
}

// FD returns the ring's descriptor, or -1 after Close. It is pollable: readable
// when completions are there. The Ring keeps owning it.
func (r *Ring) FD() int { return int(r.fd.Load()) }

// Flags returns the Setup flags that the ring was created with.
func (r *Ring) Flags() uint32 { return r.flags }

// Features returns the kernel's Feat bits, without those of Options.HideFeatures.
func (r *Ring) Features() uint32 { return r.features }
