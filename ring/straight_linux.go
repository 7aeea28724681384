package ring

import (
	"context"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The straight way is the one that most requests go: from the caller into the
// submission ring, and from the completion ring to the caller. Each step of it is a
// short function here, which does nothing and says so when a request is not that
// simple, or when others are ahead of it; then the general one beside it goes on.

// way says how an operation's requests get to the kernel.
type way uint8

const (
	roundabout way = iota // through the general functions
	direct                // they can go the straight way
	usual                 // and are encoded by uring.Usual
)

// wayOf returns the way of an operation whose opcode the kernel has.
func wayOf(c ops.Code) way {
	if uring.IsUsual(c) {
		return usual
	}
	return direct
}

// usual reports whether a request says no more than what operations have in common,
// and needs no other check: most do.
func (r *Ring) usual(req *ops.Request, level ops.Priority) bool {
	return r.ways[req.Code] == usual && req.Offset >= ops.Current && uring.IsBare(req, level)
}

// plain reports whether any other request needs nothing but a slot, an entry of the
// submission ring, and a registered buffer to be held, which it then is.
func (r *Ring) plain(req *ops.Request) bool {
	if r.ways[req.Code] == roundabout || req.Link != ops.Unlinked || req.Mode&(ops.Multishot|ops.Drain) != 0 ||
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
	if !p.Valid() || p > r.staged || !r.vacant(1) || !r.mayEnter(p) || r.sq.Full() {
		return 0
	}
	r.noteLevel(p)
	s, id := r.put(req, p)
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
	if !level.Valid() || level > r.staged || !r.vacant(n) || r.cfg.Reserve != 0 || n > int(r.sq.Space()) {
		return false
	}
	r.noteLevel(level)
	if i := r.putAll(reqs, level); i < n {
		r.sq.TakeBack(uint32(i), r.unput)
		return false
	}
	for i := range ids[:min(n, len(ids))] {
		ids[i] = ops.ID(r.sq.Latest(uint32(n - i)).UserData)
	}
	r.staged = level
	r.inKernel += n
	r.stats.Submitted += uint64(n)
	return true
}

// putAll is put for a group. It returns how many have been put, fewer than all if one is
// not plain.
func (r *Ring) putAll(reqs []ops.Request, level ops.Priority) int {
	sq := r.sq
	for i := 0; i < len(reqs); {
		if n := r.putUsual(reqs[i:], sq.Run(uint32(len(reqs)-i)), level); n != 0 {
			sq.Taken(uint32(n))
			i += n
			continue
		}
		if s, _ := r.put(&reqs[i], level); s == nil {
			return i
		}
		i++
	}
	return len(reqs)
}

// putUsual is put for the usual ones at the beginning of a group, as far as there are
// entries in run, and free slots that were used before. It returns their number.
func (r *Ring) putUsual(reqs []ops.Request, run []uring.SQE, level ops.Priority) (n int) {
	kept, reqs := r.slots.Kept(), reqs[:len(run)]
	for i := range run {
		req, sqe := &reqs[i], &run[i]
		if !r.usual(req, level) || kept == 0 {
			break
		}
		uring.UsualOf(req.Code).Encode(sqe, req)
		s, id := r.slots.Reuse(r.slots.Latest(kept))
		s.state = inKernel
		uring.CopyBare(&s.req, req)
		sqe.UserData = id
		if uring.NamesDirect(req) {
			uring.EncodeTarget(sqe)
		}
		kept--
		n++
	}
	r.slots.SetKept(kept)
	if level != ops.Normal {
		for i := range run[:n] {
			r.giveIOPrio(&run[i], r.slots.Get(run[i].UserData))
		}
	}
	return n
}

// giveIOPrio gives an entry whose request is not of level Normal its I/O priority.
func (r *Ring) giveIOPrio(sqe *uring.SQE, s *slot) {
	if hasIOPrio[s.req.Code] {
		sqe.Ioprio = r.ioprio(s)
	}
}

// put gives a plain request a slot, and writes it into the next entry of the submission
// ring, which has room; nil if it is not plain. Of most requests the second half is zero,
// as it is of those in free slots, and that cache line is left alone.
func (r *Ring) put(req *ops.Request, level ops.Priority) (*slot, uint64) {
	usual := r.usual(req, level)
	if !usual && (req.Priority != level || !r.plain(req)) {
		return nil, 0
	}
	s, id := r.slots.Alloc()
	s.state = inKernel
	sqe := r.sq.Take()
	if usual {
		uring.CopyBare(&s.req, req)
		uring.UsualOf(req.Code).Encode(sqe, req)
		sqe.UserData = id
		if uring.NamesDirect(req) {
			uring.EncodeTarget(sqe)
		}
		if level != ops.Normal {
			r.giveIOPrio(sqe, s)
		}
		return s, id
	}
	s.req, s.marks = *req, large
	if req.Mode&ops.Managed != 0 {
		s.marks, s.result = large|managed, noResult
	}
	r.encode(sqe, s, id)
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
func (r *Ring) reapStraight(w *waiter, n uint32) (done uint32) {
	dst := w.dst[w.n:]
	n = uint32(min(int(n), len(dst)))
	for done < n {
		run := r.cq.Run(done, n-done)
		i := r.reapBare(dst[done:], run)
		for i < len(run) && r.reapMarked(&dst[int(done)+i], &run[i]) {
			i++
		}
		if i == 0 {
			break
		}
		done += uint32(i)
	}
	w.n += int(done)
	return done
}

// reapBare is reapStraight for completions of requests without marks. It returns how many
// the first of run were.
func (r *Ring) reapBare(dst []ops.Completion, run []uring.CQE) (n int) {
	if r.cfg.Reserve != 0 {
		return 0
	}
	kept, dst := r.slots.Kept(), dst[:len(run)]
	for i := range run {
		c := &run[i]
		e := r.slots.Find(c.UserData)
		if e == nil || c.Res < 0 || c.Flags&uring.CQEFlagMore != 0 || kept == slots.Recent {
			break
		}
		s := &e.Value
		if s.state != inKernel || s.marks != 0 {
			break
		}
		s.state = 0
		r.slots.Drop(e, c.UserData, kept)
		uring.CompleteBare(&dst[i], &s.req, c)
		kept++
		n++
	}
	r.slots.SetKept(kept)
	r.inKernel -= n
	r.stats.Completed += uint64(n)
	return n
}

// reapMarked is reapStraight for one completion of any other request, or where a reserve is
// kept. It reports false if it has done nothing.
func (r *Ring) reapMarked(to *ops.Completion, c *uring.CQE) bool {
	s := r.slots.Get(c.UserData)
	switch {
	case s == nil || c.Res < 0:
		return false
	case c.Flags&uring.CQEFlagMore != 0:
		return s.lend(to, c)
	case s.state != inKernel || s.marks&^large != 0 && (s.marks != large|managed || !fixed(s.req.Code)):
		return false
	}
	req := &s.req
	to.ID, to.Tag = ops.ID(c.UserData), req.Tag
	to.Code, to.Priority, to.More, to.Cause = req.Code, req.Priority, false, ops.NoCause
	to.Target, to.Res, to.Flags = req.FD, c.Res, c.Flags
	to.Buf, to.Arg = req.Buf, req.Arg
	if s.marks&managed != 0 {
		req.LetGoFixed()
	}
	r.leave(s)
	s.req, s.state, s.marks = ops.Request{}, 0, 0
	r.slots.Free(c.UserData)
	r.stats.Completed++
	return true
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
		r.returnOwned(parked)
		if result < 0 {
			r.retry(uring.EnterError(result))
		}
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
	return r.sq.Publish()
}

// quiet reports whether a Wait has nothing to look after but what is in the
// submission ring and in the kernel.
func (r *Ring) quiet() bool {
	return r.ready.Len() == 0 && r.queue.Len() == 0 && len(r.again) == 0 && len(r.cancels) == 0 &&
		len(r.idle) == 0 && !r.barrier.up && r.timers.Len() == 0 && r.time.set.Len() == 0 && !r.chores &&
		!r.owner.deaf && !r.owner.kicked && !r.woken && r.export == nil && !r.closing && r.broken == nil
}
