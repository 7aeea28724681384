//go:build linux

package uring

import (
	"errors"
	"syscall"
)

// Errors of Setup.
var (
	// ErrUnavailable means that io_uring cannot be had here: the kernel has none
	// or too old a one, or a sandbox, a security module or the sysctl
	// kernel.io_uring_disabled refuses it (trap 42). Another engine is the
	// answer, not another attempt. Running out of something is never this error.
	ErrUnavailable = errors.New("io_uring is not available here")
)

// Errors of a Ring's calls. The ones that stand for an errno also match it with
// errors.Is.
var (
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("uring: ring is closed")

	// ErrTimeout means that the timeout of Enter passed with the completion
	// queue empty (ETIME).
	ErrTimeout error = &waitError{"uring: wait timed out", syscall.ETIME}

	// ErrInterrupted means that a signal ended the wait of Enter with the
	// completion queue empty (EINTR). It says nothing about time: look at the
	// clock and wait for the rest (trap 7).
	ErrInterrupted error = &waitError{"uring: wait interrupted by a signal", syscall.EINTR}

	// ErrWrongThread is returned by UnregisterRingFD and Close when a thread other
	// than the registering one calls them; the kernel drops the registration when
	// the registering thread exits (trap 47).
	ErrWrongThread = errors.New("uring: ring descriptor was registered by another thread")
)

// waitError is the result of a wait that ended without a completion. Such errors
// exist once, so that waiting does not allocate.
type waitError struct {
	text  string
	errno syscall.Errno
}

func (e *waitError) Error() string { return e.text }
func (e *waitError) Unwrap() error { return e.errno }
func (e *waitError) Timeout() bool { return e == ErrTimeout }
