package ring

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Wait starts what is queued and waits until at least min completions are there,
// for at most timeout. It writes those that are, at most len(dst), to dst, most
// urgent first and in order of completion within a priority, and returns their
// number. With min 0 it takes what is there without waiting.
//
// A negative timeout (Forever) means none; 0 means not to wait.
//
// Errors, all of which may come with completions: ErrTimeout when time ran out
// before min were there, ErrWoken when Wake was called, ErrClosed when the Ring
// is closed and every completion has been taken. ErrInvalid for an empty dst or
// a min outside 0 to len(dst), and ErrWrongThread for a pinned Ring that the
// caller does not own; then nothing was done.
//
// Several goroutines may Wait on a shared Ring. Each completion goes to one.
//
// A pinned Ring that wants several sleeps until the kernel counts as many. It counts a
// request too whose descriptor has O_NONBLOCK and is not ready, if the kernel hands it
// back (terminals, and more on old kernels); that one goes on when the sleep ends. Ask
// for one at a time where a completion depends on what such a request does.
func (r *Ring) Wait(dst []ops.Completion, min int, timeout time.Duration) (int, error) {
	if timeout >= 0 || !r.cfg.Pinned || r.u.Emulated() || min <= 0 || min > len(dst) || !r.owner.isCaller() {
		return r.WaitBatch(dst, min, Forever, timeout)
	}
	// The straight way: one system call hands over what is staged and waits, and what
	// comes is written to dst. It is no function of its own since each return between the
	// kernel and the caller is one that the processor has forgotten.
	r.owner.breathe()
	r.mu.Lock()
	w := &r.owner.w
	w.ctx, w.dst, w.n, w.min, w.relax, w.err = nil, dst, 0, min, ops.Never, nil
	if r.cq.Ready() != 0 {
		r.reap(w)
	}
	if r.doing != 0 || !r.quiet() {
		return r.waitOn(w, Forever)
	}
	todo, want := r.publish(), uint32(0)
	if missing := min - w.n; missing > 0 {
		want = r.want(missing)
	}
	if todo != 0 || want != 0 {
		parked := r.leaveOwned(want)
		result := r.u.EnterOwned(todo, want)
		r.returnOwned(parked)
		if result < 0 {
			r.retry(uring.EnterError(result))
		}
		r.reap(w)
	}
	if w.n < min || r.doing != 0 || !r.quiet() {
		return r.waitOn(w, Forever)
	}
	n := w.n
	w.dst = nil
	r.mu.Unlock()
	return n, nil
}

// WaitUntil is Wait with a point in time instead of a timeout. The zero Time means
// none; one that has passed means not to wait.
func (r *Ring) WaitUntil(dst []ops.Completion, min int, deadline time.Time) (int, error) {
	timeout := Forever
	if at := ops.At(deadline); at != 0 {
		timeout = max(at.Sub(ops.Now()), 0)
	}
	return r.WaitBatch(dst, min, Forever, timeout)
}

// WaitBatch is Wait for min completions or, once batch has passed, for one: it
// collects what comes within that time, and takes no longer than that if there is
// anything at all. A negative batch is Wait, and with zero one is enough at once.
//
// A busy server does its work for less, and answers sooner, in larger turns; one that is
// not busy should not wait for company. What the turn before has brought tells which it
// is. The example shows a way to choose min by it, and doc/decisions/0014-larger-turns.md
// what that gives.
//
// A pinned Ring leaves the counting to the kernel from 6.12 on (io_uring_enter(2),
// min_wait_usec) and sleeps once; elsewhere it takes a wake-up more if nothing has
// come by the end of batch.
func (r *Ring) WaitBatch(dst []ops.Completion, min int, batch, timeout time.Duration) (int, error) {
	switch {
	case len(dst) == 0:
		return 0, fmt.Errorf("wait: %w", ops.Invalid("no room for completions: dst is empty"))
	case min < 0 || min > len(dst):
		return 0, fmt.Errorf("wait: %w", ops.Invalid("min %d with room for %d completions", min, len(dst)))
	case !r.mayWait():
		return 0, fmt.Errorf("wait: %w", ops.ErrWrongThread)
	case min == 1 && batch >= 0, min > 1 && batch == 0:
		return r.Wait(dst, 1, timeout) // which may be the straight way
	}
	return r.wait(context.Background(), dst, min, batch, timeout)
}

func (r *Ring) wait(ctx context.Context, dst []ops.Completion, min int, batch, timeout time.Duration) (n int, err error) {
	if r.cfg.Pinned && r.owner.isCaller() { // not who takes what is left of a closed one
		r.owner.breathe()
	}
	r.mu.Lock()
	w := &r.owner.w
	if !r.cfg.Pinned {
		w = newWaiter(inWait)
		defer w.free()
	}
	w.ctx, w.dst, w.n, w.min, w.relax, w.err = ctx, dst, 0, min, until(batch), nil
	return r.waitOn(w, timeout)
}

// waitOn waits for what w lacks. It is called with mu held, and releases it.
func (r *Ring) waitOn(w *waiter, timeout time.Duration) (n int, err error) {
	defer r.unlock()
	if r.export != nil && !r.closed {
		defer r.settleExport()
	}
	r.rearm()
	err = r.await(w, timeout)
	n, w.dst = w.n, nil
	return n, err
}

// Completions yields completions, most urgent first, until ctx is done or the
// Ring is closed and drained. It waits as Wait does, and starts what is queued.
// Every completion that it took is yielded: leaving the loop, also by a panic,
// loses none. Wake does not end it. On a pinned Ring only the owner may iterate; it panics
// with ErrWrongThread elsewhere.
func (r *Ring) Completions(ctx context.Context) iter.Seq[ops.Completion] {
	return func(yield func(ops.Completion) bool) {
		if !r.mayWait() {
			panic(fmt.Errorf("ring.Completions: %w", ops.ErrWrongThread))
		}
		defer context.AfterFunc(ctx, r.lookAgain)()
		one := make([]ops.Completion, 1)
		for ctx.Err() == nil {
			n, err := r.wait(ctx, one, 1, Forever, Forever)
			if n == 1 && !yield(one[0]) {
				return
			}
			if err != nil && err != ops.ErrWoken {
				return
			}
		}
	}
}

// Wake ends the Wait that is under way with ErrWoken, or the next one if there
// is none. Several calls before that count as one. It does not end a Do.
func (r *Ring) Wake() {
	r.mu.Lock()
	defer r.unlock()
	r.woken = true
	r.rouseWait()
}

// lookAgain makes everybody in Wait notice that a context has ended.
func (r *Ring) lookAgain() {
	r.mu.Lock()
	defer r.unlock()
	r.rouseAll()
}

// unlock releases mu, and wakes the owner of a pinned Ring if that was asked for
// meanwhile.
func (r *Ring) unlock() {
	kick := r.owner.takeKick()
	r.mu.Unlock()
	if kick != none {
		r.owner.kick(kick)
	}
}
