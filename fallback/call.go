package fallback

import (
	"context"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/ops"
)

// PanicError is the error of a call that panicked: the value, and the stack at
// that moment. It unwraps to the value if that is an error.
type PanicError = workers.PanicError

// Call returns a request that runs f on a worker. N is the count that f returned,
// 0 to 2^31-1 (beyond, the completion reports EOVERFLOW), and Err wraps its error;
// Res holds the errno found in that, else -EIO. Once it runs, f cannot be ended.
//
// The request may be submitted several times; f must then bear running at the same
// time as itself.
func Call(f func() (int, error)) ops.Request {
	if f == nil {
		return request(nil)
	}
	return request(&workers.Job{Plain: f})
}

// CallContext is Call for a function that can be asked to end: ctx is done when the
// request is cancelled, its Timeout or Deadline has passed, or the Ring closes.
func CallContext(f func(ctx context.Context) (int, error)) ops.Request {
	return full(f, false)
}

// Interruptible is CallContext for a function that blocks in system calls, which
// return EINTR once ctx is done. f must look at ctx before each call that can
// block, and return after an EINTR with ctx done; such an EINTR is reported as
// ErrCanceled or ErrTimeout. It runs locked to a thread, which makes it slower by
// some microseconds.
//
// Functions of package os and net repeat interrupted calls by themselves: use
// those of unix. Signals are sent until f has returned.
func Interruptible(f func(ctx context.Context) (int, error)) ops.Request {
	return full(f, true)
}

// Value is CallContext for a function that returns something else than a count.
// ValueOf takes it out of the completion, whose N is 0.
func Value[T any](f func(ctx context.Context) (T, error)) ops.Request {
	if f == nil {
		return request(nil)
	}
	return request(&workers.Job{Full: func(ctx context.Context) (int, any, error) {
		v, err := f(ctx)
		if err != nil {
			return 0, nil, err
		}
		return 0, box[T]{v}, nil
	}})
}

// box tells a value from all else that a completion may carry.
type box[T any] struct{ v T }

// ValueOf returns what the function of a Value request returned, or the
// completion's error. It fails with ErrInvalid for other completions.
func ValueOf[T any](c *ops.Completion) (v T, err error) {
	if err := c.Err(); err != nil {
		return v, err
	}
	b, ok := c.Arg.(box[T])
	if !ok {
		return v, ops.Invalid("the completion of %s carries no %T", c.Code, v)
	}
	return b.v, nil
}

// Blocking runs f, which waits for something that may itself need a worker, by
// other means than a Ring: a channel, a sync.WaitGroup. In a function that runs on
// a worker, f does not count against Config.Workers meanwhile; elsewhere Blocking
// only runs f. f should not do work of its own.
func Blocking(f func()) { blocking(f) }

// InterruptSignal reserves another signal for interrupting calls, in the whole
// process: a real-time signal from 35 to 64 that nobody else uses or watches. It fails with
// ErrInvalid for others, and with ErrBusy once a call has been interrupted.
func InterruptSignal(number int) error { return interrupt.UseNumber(number) }

func full(f func(ctx context.Context) (int, error), interruptible bool) ops.Request {
	if f == nil {
		return request(nil)
	}
	return request(&workers.Job{
		Interruptible: interruptible,
		Full: func(ctx context.Context) (int, any, error) {
			n, err := f(ctx)
			return n, nil, err
		},
	})
}

func request(job *workers.Job) ops.Request {
	r := ops.Request{Code: ops.CodeCall, FD: -1}
	if job != nil {
		r.Arg = job // else Submit refuses it
	}
	return r
}
