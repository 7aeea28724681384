package ring

import (
	"fmt"
	"time"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/ops"
)

// SetPriority changes the priority of a pending request. Where it waits for its
// turn, in the Ring's queue, in that of the workers (package fallback), or for a
// lock, it goes to the end of its new level. What the kernel has, the kernel does in
// its own order, and only the order in which Wait delivers changes; completions of
// it that wait to be taken go to the end of their new level. Of a chain, the first
// request's priority decides about its turn.
//
// It fails with ErrNotFound when no such request is pending: all its completions
// were taken, or it never was. ErrInvalid for a priority that does not exist.
func (r *Ring) SetPriority(id ops.ID, p ops.Priority) error {
	if !p.Valid() {
		return fmt.Errorf("set priority of %v: %w", id, ops.Invalid("%v does not exist", p))
	}
	r.mu.Lock()
	defer r.unlock()
	if s := r.slots.Get(uint64(id)); s != nil {
		started := !r.hasWork() && r.staged == ops.Highest
		r.reorder(uint64(id), s, p)
		if started {
			r.startQueued() // the window may let it in now
		}
		return nil
	}
	t := r.time.set.Get(uint64(id))
	if t == nil || stateOf(t) == guard {
		return fmt.Errorf("set priority of %v: %w", id, ops.ErrNotFound)
	}
	if t.Priority() != p {
		r.moveReady(uint64(id), t.Priority(), p)
		t.SetPriority(p)
	}
	return nil
}

// reorder gives a request another priority.
func (r *Ring) reorder(id uint64, s *slot, p ops.Priority) {
	if s.state == starting {
		s.setPriorityLater(p)
		r.mixed = true
		return
	}
	from := s.req.Priority
	if from == p {
		return
	}
	if s.state == inKernel {
		r.unstage() // perhaps the kernel has not seen it yet
	}
	switch s.state {
	case queued:
		if r.queue.Remove(slots.Index(id)) {
			r.queue.Push(p, slots.Index(id))
		}
	case inKernel:
		r.leave(s)
		s.req.Priority = p
		r.enter(s)
	case elsewhere:
		if source, ok := r.sources[s.req.Code].(outside.Reorderer); ok {
			source.Reorder(id, p, (*sink)(r))
		}
	}
	r.moveReady(id, from, p)
	s.req.Priority = p
}

// moveReady moves the completions of a request that wait to be taken to another
// level.
func (r *Ring) moveReady(id uint64, from, to ops.Priority) {
	r.mixed = true
	r.ready.Move(from, to, func(a arrival) bool { return a.id == id })
}

// UpdateTimer changes when a pending timer fires: as if t, a request by one of the
// timer constructors, had been submitted now. Nothing but the time of t, its clock
// and its period counts. A periodic timer stays periodic, and counts from the new
// time on.
//
// Errors: ErrNotFound when no such timer is pending, ErrInvalid when t is no valid
// timer or one of the two is periodic and the other is not, and ErrBusy for a timer
// inside a chain that was handed over to the kernel. For a clock that was not used
// before, those of Submit.
func (r *Ring) UpdateTimer(id ops.ID, t ops.Request) error {
	if err := t.Validate(); err != nil {
		return fmt.Errorf("update %v: %w", id, err)
	}
	r.mu.Lock()
	defer r.unlock()
	if err := r.updateTimer(uint64(id), &t); err != nil {
		return fmt.Errorf("update %v: %w", id, err)
	}
	r.startQueued() // whoever waits sees the new time
	r.notify()
	return nil
}

func (r *Ring) updateTimer(id uint64, req *ops.Request) error {
	if req.Code != ops.CodeTimer {
		return ops.Invalid("a %s request is no timer", req.Code)
	}
	if s := r.slots.Get(id); s != nil && s.req.Code == ops.CodeTimer {
		return r.updateLinked(s, req)
	}
	t := r.time.set.Get(id)
	if t == nil || stateOf(t) != armed && stateOf(t) != told || t.Extra != nil && t.Extra.watch {
		return ops.ErrNotFound
	}
	periodic := t.Extra != nil && t.Extra.period != 0
	if periodic != (req.Mode&ops.Multishot != 0) {
		return ops.Invalid("a periodic timer cannot become one that fires once, nor the reverse")
	}
	if err := r.openClock(req.TimerClock()); err != nil {
		return err
	}
	if stateOf(t) == armed {
		r.disarmTimer(id, t)
	}
	setClock(t, req.TimerClock())
	when := r.dueAt(req)
	if periodic {
		t.Extra.period = time.Duration(req.Offset)
	}
	if stateOf(t) == told {
		t.Extra.due = when
		return nil
	}
	r.armTimer(id, t, when)
	return nil
}

// updateLinked is updateTimer for one inside a chain.
func (r *Ring) updateLinked(s *slot, req *ops.Request) error {
	switch {
	case s.state == ready:
		return ops.ErrNotFound
	case s.state != queued:
		return fmt.Errorf("%w: the kernel has the chain", ops.ErrBusy)
	case req.Mode&ops.Multishot != 0:
		return ops.Invalid("a timer inside a chain cannot become periodic")
	}
	s.req.Offset, s.req.Offset2, s.req.Flags = req.Offset, req.Offset2, req.Flags
	kernelTimer(&s.req)
	return nil
}

// SetDeadline gives a pending request another deadline, in place of its Timeout and
// Deadline: t, or none for the zero Time. One that has passed cancels the request.
//
// It fails with ErrNotFound when no such request is pending.
func (r *Ring) SetDeadline(id ops.ID, t time.Time) error {
	r.mu.Lock()
	defer r.unlock()
	if !r.setDeadlineOf(uint64(id), ops.At(t)) {
		return fmt.Errorf("set deadline of %v: %w", id, ops.ErrNotFound)
	}
	r.startQueued()
	return nil
}

func (r *Ring) setDeadlineOf(id uint64, when ops.Instant) bool {
	if t := r.time.set.Get(id); t != nil && stateOf(t) != guard && stateOf(t) != done {
		r.dropGuard(t)
		if when != 0 {
			r.setGuard(id, t, when)
		}
		return true
	}
	s := r.slots.Get(id)
	if s == nil || s.state == ready {
		return false
	}
	if s.marks&canceling != 0 {
		return true // it is ending, and the entry in Ring.timers serves that
	}
	if s.marks&timed != 0 {
		r.timers.Remove(slots.Index(id))
		s.marks &^= timed
	}
	s.req.Timeout, s.req.Deadline = 0, when
	s.marks |= large
	if when != 0 {
		r.setDeadline(id, s)
	}
	return true
}
