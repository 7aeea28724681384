package ring

import (
	"time"

	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/ops"
)

// sharing is how goroutines wait on a shared Ring. One of them, the leader, is
// parked in the runtime's poller on the ring's descriptor; when it wakes it reaps
// for all. The others sleep on channels of their own. Whoever leaves passes the
// lead on. No goroutine exists for this alone.
type sharing struct {
	poller *poller
	leader *waiter     // in the poller, nil for none
	until  ops.Instant // when the leader wakes by itself
	asleep waitList    // the others
}

// await advances the ring until w is satisfied, which returns its error, or
// timeout has passed.
func (r *Ring) await(w *waiter, timeout time.Duration) error {
	if r.cfg.Pinned {
		return r.awaitOwned(w, timeout)
	}
	deadline := ops.Never
	if timeout > 0 {
		deadline = until(timeout)
	}
	for {
		r.advance(w)
		if w.satisfied(r) {
			break
		}
		if timeout == 0 || deadline != ops.Never && ops.Now() >= deadline {
			w.err = ops.ErrTimeout
			break
		}
		if w.err = r.broken; w.err != nil {
			break
		}
		if r.hasWork() {
			continue // taking events has armed polls again
		}
		r.notify() // what a Do has reaped may be for a Wait
		r.park(w, min(deadline, w.relax))
	}
	r.passOn()
	return w.err
}

// advance hands over and takes in until neither leaves anything to do.
func (r *Ring) advance(w *waiter) {
	for !r.closed {
		r.push()
		r.look()
		r.reap(w)
		r.expire()
		if !r.hasWork() || r.broken != nil {
			break
		}
	}
	if r.closing && r.drained() {
		r.rouseAll() // somebody is in Close
	}
}

// hasWork reports whether push would hand anything over.
func (r *Ring) hasWork() bool {
	return len(r.cancels) != 0 || len(r.again) != 0 || r.barrier.due ||
		r.queue.Filled()&r.openLevels() != 0 || r.chores
}

// park blocks w until something happened that may concern it.
func (r *Ring) park(w *waiter, deadline ops.Instant) {
	defer workers.Park().Unpark() // a call that waits needs no worker meanwhile
	s := &r.shared
	if s.leader == nil {
		if err := s.poller.watch(); err != nil {
			r.fail(err)
			return
		}
		s.leader = w
		s.until = min(deadline, r.nextTimer())
		s.poller.arm(s.until)
		r.mu.Unlock()
		s.poller.wait()
		r.mu.Lock()
		s.leader = nil
		return
	}
	s.asleep.push(w)
	r.mu.Unlock()
	w.sleep(deadline)
	r.mu.Lock()
	if w.asleep {
		s.asleep.remove(w)
	}
}

// rouse makes w look again.
func (r *Ring) rouse(w *waiter) {
	switch {
	case w == r.shared.leader:
		r.shared.poller.kick()
	case w.asleep:
		r.shared.asleep.remove(w)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	default:
		r.owner.rouse() // w may be the owner, asleep in the kernel
	}
}

// passOn is called by whoever stops waiting: somebody else must lead, and
// completions that are left belong to other Waits. Taking may have made something
// to be handed over; a leader who sleeps all the while does not see it, nor does who
// waits for the Ring's descriptor.
func (r *Ring) passOn() {
	s := &r.shared
	if (s.leader != nil || r.export != nil) && r.hasWork() {
		r.push()
	}
	if s.leader == nil && s.asleep.first != nil {
		r.rouse(s.asleep.first)
	}
	r.notify()
}

// notify tells a Wait about completions that are there to be taken.
func (r *Ring) notify() {
	if r.ready.Len() != 0 {
		r.rouseWait()
	}
}

// attended reports whether rouseWait may find somebody to tell.
func (r *Ring) attended() bool {
	return r.owner.sleeping || r.shared.leader != nil || r.shared.asleep.first != nil || r.export != nil
}

// rouseWait makes a goroutine in Wait look again.
func (r *Ring) rouseWait() {
	if r.export != nil && !r.closed {
		r.export.signal()
	}
	if r.cfg.Pinned {
		r.owner.rouse()
		return
	}
	if l := r.shared.leader; l != nil && l.kind == inWait {
		r.shared.poller.kick()
		return
	}
	for w := r.shared.asleep.first; w != nil; w = w.next {
		if w.kind == inWait {
			r.rouse(w)
			return
		}
	}
}

// rouseAll makes everybody look again.
func (r *Ring) rouseAll() {
	if r.shared.leader != nil {
		r.shared.poller.kick()
	}
	for r.shared.asleep.first != nil {
		r.rouse(r.shared.asleep.first)
	}
	r.owner.rouse()
}

// hurry sees to it that the leader does not sleep beyond when.
func (s *sharing) hurry(when ops.Instant) {
	if s.leader != nil && when < s.until {
		s.poller.kick()
	}
}
