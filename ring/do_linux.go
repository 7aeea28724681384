package ring

import (
	"context"
	"fmt"

	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/ops"
)

// Do performs a request and returns its completion: Submit and Wait for one
// request, by one goroutine. err is the completion's Err.
//
// When ctx ends, Do cancels the request, waits until the kernel has let go of
// its buffers, and returns the cause of ctx (context.Cause); unless the request succeeded in
// that moment. Multishot requests are refused with ErrInvalid.
//
// A plain ops.Read at an offset it tries first without the engine, if nobody is ahead of
// it: preadv2(2) with RWF_NOWAIT. What is cached costs half that way.
//
// A ctx that can end costs three small allocations in a Do that has to wait, and in
// each by the owner of a pinned Ring.
//
// Any number of goroutines may call Do. On a pinned Ring it needs the owner to
// Wait, or to be the caller.
func (r *Ring) Do(ctx context.Context, req ops.Request) (c ops.Completion, err error) {
	if req.Mode&ops.Multishot != 0 {
		return c, fmt.Errorf("do %s: %w", req.Code, ops.Invalid("a multishot request has no one result: use Submit"))
	}
	if ctx.Err() != nil {
		return c, &ops.Error{Code: req.Code, Target: req.Describe(), Err: context.Cause(ctx)}
	}
	r.mu.Lock()
	if r.readsNow(&req) && r.readNow(&req, &c) {
		r.unlock()
		return c, nil
	}
	w := r.newDoer()
	id, err := r.acceptOne(&req, w)
	if err == nil && !r.doStraight(ctx, w) {
		err = r.doOn(ctx, w, id)
	}
	c = w.c
	r.endDo(w)
	switch {
	case err != nil:
		return c, err
	case c.Res == ecanceled && c.Cause == ops.ByCancel && ctx.Err() != nil:
		return c, &ops.Error{Code: c.Code, Target: req.Describe(), Err: context.Cause(ctx)}
	}
	return c, c.Err()
}

// newDoer returns a waiter for a Do. The one that was used last is kept for that.
func (r *Ring) newDoer() *waiter {
	w := r.spare
	if w == nil {
		return newWaiter(inDo)
	}
	r.spare = nil
	return w
}

// endDo gives it back, and releases mu.
func (r *Ring) endDo(w *waiter) {
	if r.spare == nil {
		w.c, w.done, w.err = ops.Completion{}, false, nil
		r.spare = w
	} else {
		w.free()
	}
	r.unlock()
}

// doOn waits for the request of a Do, which is not done. It is called with mu held.
func (r *Ring) doOn(ctx context.Context, w *waiter, id uint64) error {
	if !r.cfg.Pinned {
		r.advance(w)
		r.notify() // it took in what was there, for whomever
	}
	if !w.done && ctx.Done() != nil {
		// AfterFunc may call at once, and Cancel takes the lock.
		r.unlock()
		stop := context.AfterFunc(ctx, func() { _ = r.Cancel(ops.ID(id)) })
		defer stop()
		r.mu.Lock()
	}
	if r.cfg.Pinned && !r.owner.isCaller() {
		return r.attend(w, id)
	}
	for !w.done {
		if r.await(w, Forever); r.broken != nil && !w.done {
			r.disown(id)
			return r.broken
		}
	}
	return nil
}

// disown makes the completion of a request that a Do gives up on anybody's.
func (r *Ring) disown(id uint64) {
	if s := r.slots.Get(id); s != nil {
		s.waiter = nil
		s.marks &^= attended
	} else {
		r.time.set.Get(id).Extra.waiter = nil
	}
	r.doing--
}

// attend waits for the owner of a pinned Ring to bring w its completion.
func (r *Ring) attend(w *waiter, id uint64) error {
	defer workers.Park().Unpark() // a call that waits needs no worker meanwhile
	for !w.done {
		if r.broken != nil {
			r.disown(id)
			return r.broken
		}
		r.shared.asleep.push(w)
		r.rouseOwner()
		r.unlock()
		w.sleep(ops.Never)
		r.mu.Lock()
		if w.asleep {
			r.shared.asleep.remove(w)
		}
	}
	return nil
}
