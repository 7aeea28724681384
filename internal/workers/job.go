package workers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"syscall"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Job is the argument of a call request: what to run. It is not changed by
// running, so that a request can be submitted several times. One of the two
// functions is set.
type Job struct {
	Plain func() (int, error)                               // cannot be cancelled once it runs
	Full  func(ctx context.Context) (n int, v any, e error) // ctx ends when it is to end

	// Interruptible makes cancelling also interrupt the system call that the
	// function is in, which returns EINTR.
	Interruptible bool
}

// PanicError is the error of a job that panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // where, as debug.Stack formats it
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value of the panic, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the error of a job that ended its goroutine.
var errGoexit = errors.New("the function called runtime.Goexit")

// result puts what a job returned into the form of a completion.
func result(n int, v any, err error) outside.Result {
	if err == nil && (n < 0 || n > math.MaxInt32) {
		err = fmt.Errorf("the function returned %d, which a completion cannot carry: %w", n, syscall.EOVERFLOW)
	}
	if err == nil {
		return outside.Result{Res: int32(n), Brought: v}
	}
	return outside.Result{Res: -int32(number(err)), Brought: err}
}

// number returns the errno that stands for err in a completion. The error itself
// goes along.
func number(err error) syscall.Errno {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno) && errno > 0 && errno < 4096: // beyond are not the kernel's
		return errno
	case errors.Is(err, ops.ErrCanceled), errors.Is(err, context.Canceled):
		return syscall.ECANCELED
	case errors.Is(err, context.DeadlineExceeded):
		return syscall.ETIMEDOUT
	}
	return syscall.EIO
}

// canceled is the result of a job that did not run.
var canceled = outside.Result{Res: -int32(syscall.ECANCELED)}
