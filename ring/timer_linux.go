package ring

import (
	"syscall"
	"time"

	"github.com/sluicego/sluice/ops"
)

// dueAt returns when a timer request fires.
func dueAt(req *ops.Request) ops.Instant {
	if req.Offset2 != 0 {
		return ops.Instant(req.Offset2)
	}
	return ops.Now().Add(time.Duration(req.Offset))
}

// kernelTimer turns a timer that is part of a chain into one that the kernel
// keeps, since only the kernel knows when its turn comes. Its time counts from
// then if it is relative, and from Submit on if it is absolute.
func kernelTimer(req *ops.Request) {
	d := time.Duration(req.Offset)
	if req.Offset2 != 0 {
		d = ops.Instant(req.Offset2).Sub(ops.Now())
	}
	ts := ops.TimespecOf(d)
	req.Arg = &ts
}

// admitTimer takes in a timer, which only waits in the heap.
func (r *Ring) admitTimer(id uint64, s *slot) {
	when := dueAt(&s.req)
	s.state, s.marks = waiting, timed
	if s.req.Timeout != 0 || s.req.Deadline != 0 {
		limit := s.req.Deadline
		if s.req.Timeout != 0 {
			if t := ops.Now().Add(s.req.Timeout); limit == 0 || t < limit {
				limit = t
			}
		}
		if limit < when {
			when = limit
			s.marks |= lapsing
		}
	}
	r.addTimer(id, when)
}

// expire fires the timers that are due and cancels what has run out of time.
func (r *Ring) expire() {
	if r.timers.Len() == 0 {
		return
	}
	now := ops.Now()
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
		if s.state == waiting && s.marks&lapsing == 0 {
			r.finish(id, s, 0, 0)
			continue
		}
		r.cancel(id, s, ops.ByTimeout)
	}
}

const ecanceled = -int32(syscall.ECANCELED)
