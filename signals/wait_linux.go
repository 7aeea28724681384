package signals

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/sighub"
	"github.com/sluicego/sluice/ops"
)

// Doer performs a request and waits for its completion. A *ring.Ring is one.
type Doer interface {
	Do(context.Context, ops.Request) (ops.Completion, error)
}

// Wait waits for one of sigs and returns what it says: sigtimedwait(2). A
// timeout of 0 takes a signal that is pending already, under Hold, and does not
// wait for another; a negative one means none. When time runs out the error
// matches ops.ErrTimeout; when ctx ends it is that of ctx.
//
// As with Once, signals that come between two calls have their usual effect,
// unless Hold keeps them.
func Wait(ctx context.Context, r Doer, timeout time.Duration, sigs ...syscall.Signal) (*Info, error) {
	req := Once(sigs...)
	switch {
	case timeout > 0:
		req = req.WithTimeout(timeout)
	case timeout == 0:
		// The hub looks for what is pending before it ends a watch.
		req.Deadline = 1
	}
	c, err := r.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	return Of(&c), nil
}

// Hold takes sigs and keeps them in the kernel's queue until a Watch, Once or
// Wait asks for them: what sigprocmask(2) with SIG_BLOCK does in a program with
// one thread. The kernel merges and bounds what is queued as it always does. The
// function that it returns gives the signals back; what is still queued then goes
// to whoever had them before.
//
// It refuses what Watch refuses, and needs no Ring. On architectures where Watch
// goes through os/signal it fails with ErrNotSupported.
func Hold(sigs ...syscall.Signal) (release func(), err error) {
	req := Once(sigs...)
	if err := req.Validate(); err != nil {
		return nil, fmt.Errorf("signals.Hold: %w", err)
	}
	if !sighub.Native {
		return nil, fmt.Errorf("signals.Hold: %w", ops.ErrNotSupported)
	}
	release, err = sighub.Signals.Hold(ops.SignalsOf(sigs...))
	if err != nil {
		return nil, fmt.Errorf("signals.Hold: %w", err)
	}
	return release, nil
}
