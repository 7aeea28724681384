package ring

import (
	"context"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The straight way is the one that most requests go: from the caller into the
// submission ring, and from the completion ring to the caller. Each step of it is a
// short function here, which does nothing and says so when a request is not that
// simple, or when others are ahead of it; then the general one beside it goes on.

// usual reports whether a request says no more than what operations have in common,
// and needs no other check: most do.
func (r *Ring) usual(req *ops.Request) bool {
	return r.direct[req.Code] && uring.IsUsual(req.Code) && req.Link == ops.Unlinked && req.Mode == 0 &&
		req.Offset >= ops.Current && req.Arg == nil && req.Keep == nil &&
		req.Offset2|int64(req.FD2)|int64(req.Index)|int64(req.Personality)|int64(req.Timeout)|int64(req.Deadline) == 0
}

// plain reports whether any other request needs nothing but a slot, an entry of the
// submission ring, and a registered buffer to be held, which it then is.
func (r *Ring) plain(req *ops.Request) bool {
	if !r.direct[req.Code] || req.Link != ops.Unlinked || req.Mode&(ops.Multishot|ops.Drain) != 0 ||
		req.Timeout != 0 || req.Deadline != 0 || req.Mode&ops.Managed != 0 && !fixed(req.Code) || req.Validate() != nil {
		return false
	}
	return req.Mode&ops.Managed == 0 || r.holdFixed(req) == nil
}

// fixed reports whether all that is managed of an operation's requests is one
// registered buffer.
func fixed(c ops.Code) bool { return c == ops.CodeReadFixed || c == ops.CodeWriteFixed }

// vacant reports whether nobody is ahead of n new requests.
func (r *Ring) vacant(n int) bool {
	return r.queue.Len() == 0 && len(r.cancels) == 0 && len(r.again) == 0 && !r.barrier.up && !r.closing &&
		n <= r.cfg.InFlight-r.inKernel && n <= r.slots.Room() &&
		(r.time.set.Len() == 0 || n <= r.room())
}

// acceptStraight is acceptOne. It returns 0 if it has done nothing.
func (r *Ring) acceptStraight(req *ops.Request, w *waiter) uint64 {
	p := req.Priority
	if !p.Valid() || p > r.staged || !r.vacant(1) || !r.mayEnter(p) || r.u.SQ.Full() {
		return 0
	}
	r.noteLevel(p)
	s, id := r.put(req)
	if s == nil {
		return 0
	}
	if w != nil {
		s.waiter = w
		s.marks |= attended
		r.doing++
	}
	r.staged = p
	r.enter(s)
	r.stats.Submitted++
	return id
}

// acceptAllStraight is acceptAll. It reports false if it has done nothing.
func (r *Ring) acceptAllStraight(reqs []ops.Request, ids []ops.ID) bool {
	n := len(reqs)
	if n == 0 || ids != nil && len(ids) < n {
		return false
	}
	level := reqs[0].Priority
	if !level.Valid() || level > r.staged || !r.vacant(n) || r.cfg.Reserve != 0 || n > int(r.u.SQ.Space()) {
		return false
	}
	r.noteLevel(level)
	for i := range reqs {
		req := &reqs[i]
		var s *slot
		var id uint64
		if req.Priority == level {
			s, id = r.put(req)
		}
		if s == nil {
			r.u.SQ.TakeBack(uint32(i), r.unput)
			clear(ids[:min(i, len(ids))])
			return false
		}
		if ids != nil {
			ids[i] = ops.ID(id)
		}
	}
	r.staged = level
	r.inKernel += n
	r.stats.Submitted += uint64(n)
	return true
}

// put gives a plain request a slot, and writes it into the next entry of the
// submission ring, which has room; nil if it is not plain. Of most requests the second
// half is zero, as it is of those in free slots, and that cache line is left alone.
func (r *Ring) put(req *ops.Request) (*slot, uint64) {
	usual := r.usual(req)
	if !usual && !r.plain(req) {
		return nil, 0
	}
	s, id := r.slots.Reuse()
	if s == nil {
		s, id = r.slots.Alloc()
	}
	q, sqe := &s.req, r.u.SQ.Take()
	s.state = inKernel
	if usual {
		q.Code, q.Priority, q.Link, q.Mode = req.Code, req.Priority, req.Link, req.Mode
		q.FD, q.Flags, q.Len, q.Offset = req.FD, req.Flags, req.Len, req.Offset
		q.Buf, q.Tag = req.Buf, req.Tag
		uring.EncodeUsual(sqe, req, id)
	} else {
		*q = *req
		s.marks = large
		if req.Mode&ops.Managed != 0 {
			s.marks, s.result = large|managed, noResult
		}
		uring.Encode(sqe, req, id)
		if r.older != (older{}) {
			r.forOlder(sqe, req)
		}
	}
	if req.Priority != ops.Normal && hasIOPrio[req.Code] {
		sqe.Ioprio = r.ioprio(s)
	}
	return s, id
}

// unput undoes put.
func (r *Ring) unput(id uint64) {
	s := r.slots.Get(id)
	r.letGo(&s.req)
	s.req, s.state, s.marks = ops.Request{}, 0, 0
	r.slots.Free(id)
}

// reapStraight is reap, for the first completions of those that are there: as long
// as they are of plain requests that have succeeded, or lend a buffer and more will
// come, they go to w, which is in Wait. It returns their number.
func (r *Ring) reapStraight(w *waiter, n uint32) (i uint32) {
	cq, dst, done := r.u.CQ, w.dst[w.n:], 0
	for ; i < n && int(i) < len(dst); i++ {
		c := cq.At(i)
		e := r.slots.Find(c.UserData)
		if e == nil || c.Res < 0 {
			break
		}
		s := &e.Value
		if c.Flags&uring.CQEFlagMore != 0 {
			if !s.lend(&dst[i], c) {
				break
			}
			continue
		}
		if !s.simple() {
			break
		}
		if r.cfg.Reserve != 0 {
			r.held[urgencyOf[s.req.Priority.Level()]]--
		}
		s.deliver(&dst[i], c)
		if s.marks != 0 {
			s.forget()
		}
		r.slots.Drop(e)
		done++
	}
	w.n += int(i)
	r.inKernel -= done
	r.stats.Completed += uint64(done)
	return i
}

// simple reports whether a request was plain, is in the kernel, and nothing has
// happened to it since.
func (s *slot) simple() bool {
	return s.state == inKernel && (s.marks&^large == 0 || s.marks == large|managed && fixed(s.req.Code))
}

// deliver writes out the successful completion of such a request, and clears its
// slot as far as the next one does not overwrite it.
func (s *slot) deliver(to *ops.Completion, c *uring.CQE) {
	req := &s.req
	to.ID, to.Tag = ops.ID(c.UserData), req.Tag
	to.Code, to.Priority, to.More, to.Cause = req.Code, req.Priority, false, ops.NoCause
	to.Target, to.Res, to.Flags = req.FD, c.Res, c.Flags
	to.Buf, to.Arg = req.Buf, req.Arg
	req.Buf, req.Tag = nil, nil
	s.state = 0
}

// forget clears what deliver does not of a slot with marks, and lets go of its buffer.
// It is no part of reapStraight, which few of those need.
//
//go:noinline
func (s *slot) forget() {
	if s.marks&managed != 0 {
		s.req.LetGoFixed()
	}
	s.req, s.marks = ops.Request{}, 0
}

// doStraight is what a Do does when the kernel needs no time for its request, or
// when it is all that the owner of a pinned Ring waits for. It reports false if the
// request is not done, or something is left to do.
func (r *Ring) doStraight(ctx context.Context, w *waiter) bool {
	if r.closing || r.broken != nil {
		return false
	}
	if r.cfg.Pinned {
		if r.u.Emulated() || ctx.Done() != nil || r.doing != 1 || !r.quiet() || !r.owner.isCaller() {
			return false
		}
		todo, parked := r.publish(), r.leaveOwned(1)
		result := r.u.EnterOwned(todo, 1)
		r.returnOwned(parked, uring.EnterError(result))
	} else if r.fill() != 0 {
		r.stats.Enters++
		r.entering++
		r.mu.Unlock()
		_, err := r.u.EnterPlain(uint32(r.entries), 0, 0) // so many: see push
		r.mu.Lock()
		r.entering--
		if err != nil {
			r.retry(err)
		}
	}
	r.reap(nil)
	r.expire()
	r.notify()
	return w.done && !r.hasWork() && !r.closing
}

// publish lets the kernel see what is staged, and returns how much that is.
func (r *Ring) publish() uint32 {
	r.staged = ops.Highest
	return r.u.SQ.Publish()
}

// quiet reports whether a Wait has nothing to look after but what is in the
// submission ring and in the kernel.
func (r *Ring) quiet() bool {
	return r.ready.Len() == 0 && r.queue.Len() == 0 && len(r.again) == 0 && len(r.cancels) == 0 &&
		len(r.idle) == 0 && !r.barrier.up && r.timers.Len() == 0 && r.time.set.Len() == 0 && !r.chores &&
		!r.owner.deaf && !r.owner.kicked && !r.woken && r.export == nil && !r.closing && r.broken == nil
}
