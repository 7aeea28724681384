//go:build linux

package uring

import (
	"math"
	"syscall"
	"time"
	"unsafe"
)

// longest stands for "no timeout" where the kernel must be given one, and cuts
// longer ones: the kernel adds the timeout to its clock without looking for
// overflow (trap 39). It is 146 years.
const longest = time.Duration(1 << 62)

// Enter submits toSubmit entries of the submission queue, as Publish counted
// them, and waits until minComplete completions are there: io_uring_enter(2).
// flags are Enter bits; waiting adds EnterGetEvents, timed waiting EnterExtArg.
// Enter does not allocate.
//
// timeout bounds the wait: below zero there is none, at zero Enter does not
// sleep. minWait, where FeatMinTimeout exists (Linux 6.12), ends the wait after
// that time with whatever is there, and if nothing is there at the first
// completion; zero turns it off, and other kernels ignore it. Neither counts
// with minComplete zero. Only one thread at a time may pass either.
//
// submitted is the number of entries that the kernel consumed. What happened
// while waiting is seen only when nothing was to be submitted: with submitted
// above zero the kernel reports no timeout and no signal, so the caller looks at
// the queue and at the clock. Likewise a nil error does not promise minComplete
// completions: the kernel reports neither timeout nor signal while the queue has
// an entry, and a TIMEOUT request that fires ends every wait, whatever
// minComplete is. And if it consumed fewer entries than toSubmit, it did not wait.
//
// ErrTimeout and ErrInterrupted mean that nothing was submitted, the wait ended
// early, and the queue was empty. Other errors are plain errnos:
//   - EAGAIN: no memory for requests; reap, then submit again (trap 6).
//   - EBUSY: the completion queue overflowed and must be reaped first (trap 6).
//   - EBADR: completions were lost for want of memory; see CQ.Overflow.
//   - EEXIST: another thread owns this ring (trap 2).
//   - EBADFD: the ring is disabled.
//   - EINVAL, EFAULT, EOPNOTSUPP, ENXIO: a bug in the caller, or the ring is dying.
//
// After Close it is ErrClosed. After RegisterRingFD only the registering thread
// may call Enter; others use EnterPlain.
func (r *Ring) Enter(toSubmit, minComplete, flags uint32, timeout, minWait time.Duration) (submitted int, err error) {
	if r.kernel != nil {
		return r.kernel.Enter(toSubmit, minComplete, flags, timeout, minWait)
	}
	flags |= r.enterFlags
	if minComplete == 0 {
		return enter(r.enterFD, toSubmit, 0, flags, nil)
	}
	flags |= EnterGetEvents
	if r.features&FeatMinTimeout == 0 {
		minWait = 0
	}
	if timeout < 0 && minWait <= 0 {
		return enter(r.enterFD, toSubmit, minComplete, flags, nil)
	}
	r.setWait(timeout, minWait)
	return enter(r.enterFD, toSubmit, minComplete, flags|EnterExtArg, &r.wait.arg)
}

// EnterOwned is Enter for the owner of a ring that is not emulated, without a timeout,
// in as few steps as can be. It returns the kernel's answer: see EnterError.
func (r *Ring) EnterOwned(toSubmit, minComplete uint32) (result int) {
	return callOwned(uint32(r.enterFD), toSubmit, minComplete, r.enterFlags|EnterGetEvents, nil, 0)
}

// EnterPlain is Enter without timed waits, from any thread that the ring's flags
// allow: it always names the ring by its descriptor and touches nothing that
// others share. flags may hold EnterGetEvents to run task work and to flush an
// overflow, and minComplete to wait without timeout.
func (r *Ring) EnterPlain(toSubmit, minComplete, flags uint32) (submitted int, err error) {
	if minComplete != 0 {
		flags |= EnterGetEvents
	}
	if r.kernel != nil {
		return r.kernel.Enter(toSubmit, minComplete, flags, -1, 0)
	}
	fd := r.fd.Load()
	if fd < 0 {
		return 0, ErrClosed
	}
	n := call(uint32(fd), toSubmit, minComplete, flags, nil, 0)
	return max(n, 0), EnterError(n)
}

// setWait fills the argument that the kernel reads during a timed wait.
func (r *Ring) setWait(timeout, minWait time.Duration) {
	if timeout < 0 || timeout > longest {
		// Without a timeout the kernel would end a minimum wait with ETIME
		// instead of waiting on for one completion.
		timeout = longest
	}
	r.wait.ts = timespec{int64(timeout / time.Second), int64(timeout % time.Second)}
	r.wait.arg.minWait = 0
	if minWait > 0 {
		micros := (min(minWait, timeout) + time.Microsecond - 1) / time.Microsecond
		r.wait.arg.minWait = uint32(min(micros, math.MaxUint32))
	}
}

// enter makes the system call. The scheduler knows of it also where nothing waits:
// submission itself can block, and the runtime must be able to run other goroutines
// meanwhile (trap 4).
func enter(fd int32, toSubmit, minComplete, flags uint32, arg *geteventsArg) (int, error) {
	if fd < 0 {
		return 0, ErrClosed
	}
	var size uintptr
	if arg != nil {
		size = unsafe.Sizeof(*arg)
	}
	n := call(uint32(fd), toSubmit, minComplete, flags, unsafe.Pointer(arg), size)
	return max(n, 0), EnterError(n)
}

// EnterError returns the error in what the kernel has answered, nil if there is none.
func EnterError(result int) error {
	if result >= 0 {
		return nil
	}
	switch errno := syscall.Errno(-result); errno {
	case syscall.ETIME:
		// The timeout passed and the queue is empty.
		return ErrTimeout
	case syscall.EINTR:
		// A signal reached this thread and the queue is empty. Go's own
		// preemption signals do that too, so it is frequent and means nothing.
		return ErrInterrupted
	default:
		return errno // below 256, so that the conversion does not allocate
	}
}
