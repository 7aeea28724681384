package ring

import (
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/ops"
)

// barrier is what ops.Drain needs. The kernel's own flag would wait for the ring's
// polls as well, which never end. One barrier at a time is up: a request, or a
// chain, with that mode. It waits until those ahead of it have ended, starts, and is
// down when it has ended itself. What is accepted meanwhile is held, further
// barriers too. Ring.mu guards it.
type barrier struct {
	up      bool       // there is one
	waiting bool       // it has not started
	due     bool       // passBarrier has something to do
	id      uint64     // the request, or the first of the chain
	ahead   int        // requests marked awaited
	own     int        // requests marked draining: those of the barrier that have not ended
	held    prio.Order // accepted since, by slot, at one level
	further int        // barriers among them
}

// holdUp takes in a barrier, or what comes behind one. Chains come by their first.
func (r *Ring) holdUp(id uint64, s *slot) {
	b := &r.barrier
	s.state = queued
	if !b.up {
		r.raise(id, s)
		for _, other := range r.slots.All {
			r.awaitEnd(other)
		}
		b.due = b.ahead == 0
		return
	}
	b.held.Push(ops.Normal, slots.Index(id))
	if s.req.Mode&ops.Drain != 0 {
		b.further++
	}
}

// raise makes a request or chain the barrier that is up.
func (r *Ring) raise(id uint64, s *slot) {
	b := &r.barrier
	b.up, b.waiting, b.id = true, true, id
	r.eachMember(s, func(m *slot) {
		if m.marks&multi == 0 {
			m.marks |= draining
			b.own++
		}
	})
}

// eachMember calls f for s, or for all of its chain.
func (r *Ring) eachMember(s *slot, f func(*slot)) {
	if s.chain == nil {
		f(s)
		return
	}
	for _, id := range s.chain.ids {
		f(r.slots.Get(id))
	}
}

// awaitEnd makes the barrier wait for a request, unless that has no end of its own.
func (r *Ring) awaitEnd(s *slot) {
	if s.state != ready && s.marks&(multi|draining|awaited) == 0 {
		s.marks |= awaited
		r.barrier.ahead++
	}
}

// countEnd notes that a request has ended which the barrier waits for, or is.
func (r *Ring) countEnd(s *slot) {
	b := &r.barrier
	if s.marks&awaited != 0 {
		b.ahead--
		b.due = b.due || b.waiting && b.ahead == 0
	}
	if s.marks&draining != 0 {
		b.own--
		b.due = b.due || b.own == 0
	}
	s.marks &^= awaited | draining
}

// passBarrier starts the barrier whose turn has come, and what was behind one that
// has ended. What has sources may complete.
func (r *Ring) passBarrier() {
	for b := &r.barrier; b.due; {
		b.due = false
		if b.own == 0 {
			r.lower()
		} else if b.waiting && b.ahead == 0 {
			b.waiting = false
			r.begin(b.id, r.slots.Get(b.id))
		}
	}
}

// lower lets go of what was held, up to the next barrier.
func (r *Ring) lower() {
	b := &r.barrier
	b.up, b.waiting = false, false
	for {
		i, ok := b.held.Next(prio.AllLevels)
		if !ok {
			return
		}
		b.held.Remove(i)
		s, id := r.slots.At(i)
		if s.req.Mode&ops.Drain != 0 {
			b.further--
			r.raise(id, s)
			b.due = b.ahead == 0
			return
		}
		if b.further > 0 {
			r.eachMember(s, r.awaitEnd)
		}
		r.begin(id, s)
	}
}

// unqueue takes a request that ends before it has started, or a chain by its first,
// from where it waits for its turn.
func (r *Ring) unqueue(id uint64, s *slot) {
	i := slots.Index(id)
	if !r.queue.Remove(i) && r.barrier.held.Remove(i) && s.req.Mode&ops.Drain != 0 {
		r.barrier.further--
	}
}
