package ring

import (
	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// warmedTogether is of how many timers the memory is waited for together.
const warmedTogether = 64

// take moves completions into dst, most urgent first, and frees the slots of
// those that are terminal.
func (r *Ring) take(dst []ops.Completion) (n int) {
	for n < len(dst) && r.ready.Len() != 0 {
		if n%warmedTogether == 0 && r.time.set.Len() != 0 {
			r.warmTimers(min(warmedTogether, len(dst)-n))
		}
		a := r.ready.Pop()
		s := r.slots.Get(a.id)
		if s == nil {
			r.takeTimer(&dst[n], &a)
			n++
			continue
		}
		if s.plain(&a) && len(r.rare.brought) == 0 {
			uring.CompleteBare(&dst[n], &s.req, &uring.CQE{UserData: a.id, Res: a.res, Flags: a.flags})
			s.state = 0
			r.slots.Free(a.id)
			r.stats.Completed++
			n++
			continue
		}
		r.complete(&a, &dst[n], s)
		if s.marks&managed != 0 {
			r.deliverManaged(&a, &dst[n], s)
		} else if s.marks&multi != 0 && a.res >= 0 && s.req.WantsPeers() {
			r.res.peers.name(&dst[n])
		}
		n++
		if !a.more() {
			r.release(a.id, s)
		} else if s.state == idle {
			r.resume(a.id, s)
		}
	}
	return n
}

// plain reports whether CompleteBare does for a, which is a terminal completion that
// brings nothing.
func (s *slot) plain(a *arrival) bool {
	return s.marks == 0 && s.cause == ops.NoCause && !a.more()
}

// resume arms a multishot request again whose last event was taken: a
// level-triggered poll at the next Wait, others now.
func (r *Ring) resume(id uint64, s *slot) {
	if s.req.Mode&ops.Level != 0 {
		r.idle = append(r.idle, id)
	} else {
		r.repeat(id, s)
	}
}

// release forgets a request whose terminal completion has been taken.
func (r *Ring) release(id uint64, s *slot) {
	s.req = ops.Request{}
	s.waiter, s.chain = nil, nil
	s.state, s.marks, s.cause = 0, 0, ops.NoCause
	if len(r.rare.brought)+len(r.rare.missed) != 0 {
		r.rare.forget(id)
	}
	r.slots.Free(id)
	r.stats.Completed++
}

// complete writes out what the user sees of an arrival.
func (r *Ring) complete(a *arrival, c *ops.Completion, s *slot) {
	c.ID = ops.ID(a.id)
	c.Tag = s.req.Tag
	c.Code = s.req.Code
	c.Priority = s.req.Priority
	c.More = a.more()
	c.Cause = ops.NoCause
	if a.res == ecanceled {
		c.Cause = s.cause
	}
	c.Target = s.req.FD
	c.Res = a.res
	c.Flags = a.flags &^ uring.CQEFlagMore
	c.Buf = s.req.Buf
	c.Arg = s.req.Arg
	if len(r.rare.brought) != 0 {
		if v := r.rare.take(a.id); v != nil {
			c.Arg = v
		}
	}
}

// rearm lets level-triggered polls look again, once per Wait.
func (r *Ring) rearm() {
	for _, id := range r.idle {
		if s := r.slots.Get(id); s != nil && s.state == idle {
			r.repeat(id, s)
		}
	}
	r.idle = r.idle[:0]
}

// warmTimers looks ahead at what the next n completions need, where they are of timers.
func (r *Ring) warmTimers(n int) {
	var names [warmedTogether]uint64
	k := 0
	for i := range n {
		a := r.ready.Ahead(i)
		if a == nil {
			break
		}
		if timers.IsName(a.id) {
			names[k] = a.id
			k++
		}
	}
	r.time.set.Warm(names[:k])
}
