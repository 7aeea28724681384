package ring

import (
	"context"
	"sync"
	"time"

	"github.com/sluicego/sluice/ops"
)

// waiter is a goroutine in Wait, Do or Close. Ring.mu guards it, but for wake
// and timer.
type waiter struct {
	kind waiterKind
	err  error           // why a Wait ended
	ctx  context.Context // Wait: ends it too; nil for none

	dst   []ops.Completion // Wait and many: where completions go
	n     int              // Wait: how many there are
	min   int              // Wait: how many there must be
	keeps bool             // many: its files stay open in their places until empty
	relax ops.Instant      // Wait: when one is enough; Never if it never is
	other func() bool      // many: reports what ends the wait too, under Ring.mu; nil for nothing

	c    ops.Completion // Do: the completion, once done
	done bool

	asleep     bool          // in sharing.asleep
	next, prev *waiter       // neighbours there
	wake       chan struct{} // holds one value; a stale one costs a turn of the loop
	timer      *time.Timer   // made when first needed
}

type waiterKind uint8

const (
	inWait waiterKind = iota
	inDo
	inClose
	inMany // as inWait, with completions of its own that nobody else gets
)

var waiters = sync.Pool{New: func() any { return &waiter{wake: make(chan struct{}, 1)} }}

func newWaiter(kind waiterKind) *waiter {
	w := waiters.Get().(*waiter)
	w.kind, w.relax = kind, ops.Never
	return w
}

// free gives w back. Nobody refers to it any more.
func (w *waiter) free() {
	*w = waiter{wake: w.wake, timer: w.timer}
	waiters.Put(w)
}

// satisfied reports whether w has what it waits for, after taking for it what is
// there.
func (w *waiter) satisfied(r *Ring) bool {
	switch w.kind {
	case inDo:
		return w.done
	case inClose:
		return r.closed || r.drained() && !r.cfg.Pinned
	case inMany:
		return w.satisfiedMany(r)
	}
	w.n += r.take(w.dst[w.n:])
	if w.relax != ops.Never && ops.Now() >= w.relax {
		w.min, w.relax = min(w.min, 1), ops.Never
	}
	switch {
	case r.woken:
		r.woken = false
		w.err = ops.ErrWoken
	case w.n >= w.min:
	case w.ctx != nil && w.ctx.Err() != nil:
		w.err = w.ctx.Err()
	case r.closed:
		w.err = r.errClosed("wait")
	case r.broken != nil:
		w.err = r.broken
	default:
		return false
	}
	return true
}

// finish hands w the completion that its Do waits for.
func (w *waiter) finish(r *Ring, a *arrival, s *slot) {
	c := &w.c
	if w.kind == inMany {
		c = &w.dst[w.n]
		w.n++
	}
	w.done = true
	r.complete(a, c, s)
	if s.marks&managed != 0 {
		r.deliverManaged(a, c, s)
	}
	r.doing--
	r.release(a.id, s)
	if w.kind != inMany || w.n >= w.min {
		r.rouse(w)
	}
}

// sleep blocks until wake is sent to, or until deadline.
func (w *waiter) sleep(deadline ops.Instant) {
	if deadline == ops.Never {
		<-w.wake
		return
	}
	d := deadline.Sub(ops.Now())
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	select {
	case <-w.wake:
	case <-w.timer.C:
	}
	w.timer.Stop()
}

// waitList is a queue of sleeping waiters.
type waitList struct{ first, last *waiter }

func (l *waitList) push(w *waiter) {
	w.asleep = true
	w.prev = l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

func (l *waitList) remove(w *waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.asleep = nil, nil, false
}
