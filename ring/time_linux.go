package ring

import (
	"time"

	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/ops"
)

// pending returns the number of requests whose terminal completion was not taken.
func (r *Ring) pending() int { return r.slots.Len() + r.time.set.Len() - r.time.guards }

// room returns how many more requests may be pending.
func (r *Ring) room() int { return r.cfg.Capacity - r.pending() }

// roomForTimers returns how many more timers there may be, each with a guard.
func (r *Ring) roomForTimers() int {
	return timers.MaxCapacity/2 - (r.time.set.Len() - r.time.guards)
}

// running returns the number of timers, and of deadlines of timers, that run.
func (k *timekeeping) running() (n int) {
	if k.wheel != nil {
		n = k.wheel.Len()
	}
	for _, c := range k.clocks {
		if c != nil {
			n += c.wheel.Len()
		}
	}
	return n
}

// nextTimer returns when those who wait must look again, as far as user space
// knows.
func (r *Ring) nextTimer() ops.Instant {
	next := r.timers.Next()
	if r.time.wheel != nil {
		next = min(next, r.time.wheel.Next())
	}
	if r.cfg.TimerSlack != 0 {
		next = next.Add(r.cfg.TimerSlack)
	}
	if r.haste.n != 0 {
		next = min(next, r.nextHold())
	}
	return next
}

// expire fires the timers that are due and cancels what has run out of time.
func (r *Ring) expire() {
	ticking := r.time.wheel != nil && r.time.wheel.Len() != 0
	if r.timers.Len() == 0 && !ticking {
		return
	}
	now := ops.Now()
	if ticking {
		r.time.wheel.Expire(now, r.time.fire)
	}
	for {
		id, ok := r.timers.Pop(now)
		if !ok {
			return
		}
		s := r.slots.Get(id)
		s.marks &^= timed
		if s.state == inKernel && s.marks&canceling != 0 {
			r.cancels = append(r.cancels, id) // see cancelMissed
			continue
		}
		r.cancel(id, s, ops.ByTimeout)
	}
}

// kernelTimer turns a timer that is part of a chain into one that the kernel
// keeps, since only the kernel knows when its turn comes. Its time counts from
// then if it is relative, and from this call on if it is an absolute monotonic one:
// see isInstant.
func kernelTimer(req *ops.Request) {
	d := time.Duration(req.Offset)
	switch {
	case req.TimerClock() == ops.Realtime:
		d = time.Duration(req.Offset2) // absolute
	case req.Offset2 != 0:
		d = ops.Instant(req.Offset2).Sub(ops.Now())
	}
	ts := ops.TimespecOf(d)
	req.Arg = &ts
}

// listening reports whether the ring polls a clock's source.
func (k *timekeeping) listening() bool {
	for _, c := range k.clocks {
		if c != nil && c.polled {
			return true
		}
	}
	return false
}
