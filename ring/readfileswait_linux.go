package ring

import (
	"context"

	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/ops"
)

// wait starts what was submitted, and waits until at least n files are done, or
// the context has ended. done has those that are.
func (l *fileReader) wait(n int) error {
	r, w := l.r, l.w
	r.mu.Lock()
	defer r.unlock()
	w.min = n
	r.awaitMany(w)
	l.done = append(l.done[:0], w.dst[:w.n]...)
	w.n = 0
	for i := range l.done {
		l.done[i].Tag.(*fileJob).id = 0
	}
	l.inFlight -= len(l.done)
	if l.help != nil {
		l.help.swap()
	}
	return w.err
}

// awaitMany is await for a waiter of any goroutine that gets completions which
// nobody else gets.
func (r *Ring) awaitMany(w *waiter) {
	w.err = nil
	if !r.cfg.Pinned || r.owner.isCaller() {
		_ = r.await(w, Forever) // w.err has it
		return
	}
	defer workers.Park().Unpark() // see attend
	for !w.satisfied(r) {
		r.shared.asleep.push(w)
		r.rouseOwner()
		r.unlock()
		w.sleep(ops.Never)
		r.mu.Lock()
		if w.asleep {
			r.shared.asleep.remove(w)
		}
	}
}

// satisfiedMany is satisfied for a waiter of that kind.
func (w *waiter) satisfiedMany(r *Ring) bool {
	switch {
	case w.n >= w.min || w.other != nil && w.other():
	case w.ctx != nil && w.ctx.Err() != nil:
		w.err = context.Cause(w.ctx)
	case r.closed:
		w.err = ops.ErrClosed
	case r.broken != nil:
		w.err = r.broken
	default:
		return false
	}
	return true
}

// end cancels what is under way, waits until the kernel has let go of the buffers,
// and closes the files.
func (l *fileReader) end() {
	if l.help != nil {
		l.help.end()
		l.help, l.w.other = nil, nil
	}
	r := l.r
	r.mu.Lock()
	for i := range l.jobs {
		if id := l.jobs[i].id; id != 0 {
			if s := r.slots.Get(id); s != nil {
				r.cancel(id, s, ops.ByCancel)
			}
		}
	}
	r.afterCancel()
	r.unlock()
	l.w.ctx = nil
	for l.inFlight > 0 {
		if l.wait(l.inFlight) != nil {
			return // the Ring is broken: what it holds may be written to for ever
		}
	}
	if l.w.keeps {
		r.mu.Lock()
		r.empty()
		r.unlock()
	}
	l.w.free()
}
