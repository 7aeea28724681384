package ops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// sentinel is an error that also matches the standard library's error for the
// same thing under errors.Is.
type sentinel struct {
	text string
	also []error
}

func (s *sentinel) Error() string { return s.text }

func (s *sentinel) Is(target error) bool {
	for _, e := range s.also {
		if e == target {
			return true
		}
	}
	return false
}

// Timeout tells code written for net.Error that time has run out.
func (s *sentinel) Timeout() bool { return s == ErrTimeout }

// Errors of New and Submit. Nothing was started.
var (
	// ErrNotSupported: this system lacks what was asked for. It matches
	// errors.ErrUnsupported.
	ErrNotSupported error = &sentinel{"not supported here", []error{errors.ErrUnsupported}}
	// ErrInvalid: the request, or an argument, makes no sense; it will not on
	// any system. It matches syscall.EINVAL.
	ErrInvalid error = &sentinel{"invalid request", []error{syscall.EINVAL}}
	// ErrFull: Config.Capacity requests are pending. Take completions with Wait
	// and submit again. Nothing of the call was accepted.
	ErrFull error = &sentinel{"ring is full: take completions with Wait, or raise Config.Capacity", nil}
	// ErrClosed: the Ring is closed or closing. It matches os.ErrClosed.
	ErrClosed error = &sentinel{"ring is closed", []error{os.ErrClosed}}
	// ErrWrongThread: a pinned Ring was waited on from another goroutine than
	// the one that made it.
	ErrWrongThread error = &sentinel{"pinned ring: only the goroutine that called New may do this", nil}
	// ErrBusy: Close gave up waiting for requests that the kernel would not let
	// go of, or something is in use: a pool, a group, a timer that the kernel has.
	ErrBusy error = &sentinel{"ring is busy", []error{syscall.EBUSY}}
)

// Errors of Wait and Cancel.
var (
	// ErrWoken: Wake ended the Wait before it had all that it waited for.
	ErrWoken error = &sentinel{"woken by Wake", nil}
	// ErrNotFound: no pending request matches. It has completed, or never was.
	ErrNotFound error = &sentinel{"no such request pending", []error{syscall.ENOENT}}
)

// Errors of completions. ErrTimeout is also Wait's, when time runs out there.
var (
	// ErrCanceled: Cancel, or a failed predecessor in a chain, ended the
	// request before it took effect. It matches syscall.ECANCELED and
	// context.Canceled.
	ErrCanceled error = &sentinel{"canceled", []error{syscall.ECANCELED, context.Canceled}}
	// ErrTimeout: the request's Timeout or Deadline passed. It matches
	// os.ErrDeadlineExceeded and context.DeadlineExceeded.
	ErrTimeout error = &sentinel{"timed out", []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, syscall.ETIMEDOUT}}
	// ErrNoDirect: every place in the Ring's table of direct descriptors is taken.
	// Close some, or raise Config.DirectFiles. It matches syscall.ENFILE.
	ErrNoDirect error = &sentinel{"no free direct descriptor: close some, or raise Config.DirectFiles", []error{syscall.ENFILE}}
	// ErrNoBuffer: the pool may not grow any more, and all its buffers are lent. It
	// matches syscall.ENOBUFS.
	ErrNoBuffer error = &sentinel{"no buffer left in the pool", []error{syscall.ENOBUFS}}
	// ErrSignalsLost: the kernel refused to queue signals that a watch should have
	// seen, since RLIMIT_SIGPENDING was reached; SignalInfo.Lost says how many. A
	// continuing watch goes on. It matches syscall.EOVERFLOW.
	ErrSignalsLost error = &sentinel{"signals lost at RLIMIT_SIGPENDING", []error{syscall.EOVERFLOW}}
)

// Error is the error of a request: which operation failed, on what, and why.
type Error struct {
	Code   Code
	Target string // "/etc/shadow", "fd 7", or empty
	Err    error  // a syscall.Errno, or one of this package's errors
}

func (e *Error) Error() string {
	if e.Target == "" {
		return fmt.Sprintf("%s: %v", e.Code, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Code, e.Target, e.Err)
}

// Unwrap returns the cause, so that errors.Is(err, syscall.ENOENT) and
// errors.Is(err, os.ErrNotExist) hold.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether time ran out, for code written for net.Error.
func (e *Error) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// Invalid returns an error that matches ErrInvalid and says what is wrong.
func Invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
