package ring

import (
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The straight way is the one that most requests go: from the caller into the
// submission ring, and from the completion ring to the caller. Each step of it is a
// short function here, which does nothing and says so when a request is not that
// simple, or when others are ahead of it; then the general one beside it goes on.

// plain reports whether a request needs nothing but a slot and an entry of the
// submission ring.
func (r *Ring) plain(req *ops.Request) bool {
	return r.direct[req.Code] && req.Link == ops.Unlinked && req.Mode&(ops.Multishot|ops.Managed) == 0 &&
		req.Timeout == 0 && req.Deadline == 0 && req.Validate() == nil
}

// clear reports whether nobody is ahead of n new requests.
func (r *Ring) clear(n int) bool {
	return r.queue.Len() == 0 && len(r.cancels) == 0 && len(r.again) == 0 && !r.closing &&
		n <= r.cfg.InFlight-r.inKernel && n <= r.slots.Room() &&
		(r.time.set.Len() == 0 || n <= r.room())
}

// acceptStraight is acceptOne. It returns 0 if it has done nothing.
func (r *Ring) acceptStraight(req *ops.Request, w *waiter) uint64 {
	if !r.plain(req) || req.Priority > r.staged || !r.clear(1) || !r.mayEnter(req.Priority) {
		return 0
	}
	sqe := r.u.SQ.Next()
	if sqe == nil {
		return 0
	}
	if w != nil {
		r.doing++
	}
	return r.put(sqe, req, w)
}

// acceptAllStraight is acceptAll. It reports false if it has done nothing.
func (r *Ring) acceptAllStraight(reqs []ops.Request, ids []ops.ID) bool {
	if len(reqs) == 0 || ids != nil && len(ids) < len(reqs) || !r.clear(len(reqs)) ||
		r.cfg.Reserve != 0 || len(reqs) > int(r.u.SQ.Space()) || reqs[0].Priority > r.staged {
		return false
	}
	for i := range reqs {
		if !r.plain(&reqs[i]) || reqs[i].Priority != reqs[0].Priority {
			return false
		}
	}
	for i := range reqs {
		id := r.put(r.u.SQ.Next(), &reqs[i], nil)
		if ids != nil {
			ids[i] = ops.ID(id)
		}
	}
	return true
}

// put gives a plain request a slot, and writes it into an entry of the submission
// ring.
func (r *Ring) put(sqe *uring.SQE, req *ops.Request, w *waiter) uint64 {
	s, id := r.slots.Alloc()
	s.req, s.waiter = *req, w
	s.marks = 0
	uring.Encode(sqe, req, id)
	if req.Priority != ops.Normal && hasIOPrio[req.Code] {
		sqe.Ioprio = r.ioprio(s)
	}
	r.noteLevel(req.Priority)
	r.staged = req.Priority
	r.enter(s)
	r.stats.Submitted++
	return id
}

// reapStraight is reap, for the first completions of those that are there: as long
// as they are of plain requests that have succeeded, they go to w, which is in Wait.
// It returns their number.
func (r *Ring) reapStraight(w *waiter, n uint32) (i uint32) {
	cq, dst := r.u.CQ, w.dst[w.n:]
	for ; i < n && int(i) < len(dst); i++ {
		c := cq.At(i)
		s := r.slots.Get(c.UserData)
		if s == nil || !s.simple() || c.Res < 0 || c.Flags&uring.CQEFlagMore != 0 {
			break
		}
		r.leave(s)
		s.deliver(&dst[i], c)
		r.slots.Free(c.UserData)
	}
	w.n += int(i)
	r.stats.Completed += uint64(i)
	return i
}

// simple reports whether a request was plain, is in the kernel, and nothing has
// happened to it since.
func (s *slot) simple() bool {
	return s.state == inKernel && s.marks == 0 && s.waiter == nil && s.chain == nil
}

// deliver writes out the successful completion of such a request, and lets go of
// what it refers to. Whatever is left is overwritten by the next one.
func (s *slot) deliver(to *ops.Completion, c *uring.CQE) {
	req := &s.req
	to.ID = ops.ID(c.UserData)
	to.Tag = req.Tag
	to.Code = req.Code
	to.Priority = req.Priority
	to.More = false
	to.Cause = ops.NoCause
	to.Target = req.FD
	to.Res = c.Res
	to.Flags = c.Flags
	to.Buf = req.Buf
	to.Arg = req.Arg
	req.Buf, req.Tag, req.Arg, req.Keep = nil, nil, nil, nil
	s.state = 0
}
