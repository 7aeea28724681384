package ring

import (
	"slices"
	"syscall"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/ops"
)

// chain is a group of linked requests. The kernel starts each when the one
// before it has ended, and reports all of them in order.
type chain struct {
	ids     []uint64
	waiting bool     // no member is in the kernel, but perhaps a poll ahead of the first
	settled int      // members whose outcome is known
	failed  bool     // a member failed or fell short, which explains cancelled ones after it
	retry   []uint64 // members that must be handed over once more, when all have reported
	later   []uint64 // members that were not handed over yet: see segment
	broken  bool     // the last one ahead of them failed
	watched bool     // a cancel waits for a member's turn: counted in Ring.split
}

// acceptChain takes in the chain at the start of reqs and returns its length. at
// is its place in ids.
func (r *Ring) acceptChain(reqs []ops.Request, ids []ops.ID, at int) int {
	n := 1
	for reqs[n-1].Link != ops.Unlinked {
		n++
	}
	c := &chain{ids: make([]uint64, n), waiting: true}
	for i := range n {
		r.noteLevel(reqs[i].Priority)
		s, id := r.slots.Alloc()
		s.req, s.chain, s.state, s.marks = reqs[i], c, queued, chained|large
		if s.req.Mode&(ops.Multishot|ops.Managed) != 0 {
			r.markMode(s)
		}
		c.ids[i] = id
		if ids != nil {
			ids[at+i] = ops.ID(id)
		}
		if s.req.Code == ops.CodeTimer {
			kernelTimer(&s.req)
		}
		if s.req.Timeout != 0 || s.req.Deadline != 0 {
			r.setDeadline(id, s)
		}
	}
	r.routeChain(c)
	first := r.slots.Get(c.ids[0])
	if first.req.Mode&ops.Drain != 0 || r.barrier.up {
		r.holdUp(c.ids[0], first)
	} else {
		r.begin(c.ids[0], first)
	}
	return n
}

// beginChain queues a chain.
func (r *Ring) beginChain(id uint64, first *slot) {
	if first.req.Priority > r.staged {
		r.unstage()
	}
	r.queue.Push(first.req.Priority, slots.Index(id))
}

// settleMember notes the outcome of a member that left the kernel. In chains,
// unlike elsewhere, ECANCELED is the normal result of those after a failure.
func (r *Ring) settleMember(id uint64, s *slot, res int32, flags uint32) {
	c := s.chain
	if s.req.Code == ops.CodeTimer && res == -int32(syscall.ETIME) {
		res = 0 // the timer has run out, and the chain gone on
	}
	if s.marks&(multi|canceling) == multi && res >= 0 {
		if c.watched {
			r.split--
		}
		s.chain = nil // it is the last, and goes on alone
		s.marks &^= chained
		r.continueMultishot(id, s, res, flags)
		return
	}
	switch {
	case s.marks&canceling == 0 && !c.failed && s.state != elsewhere && r.mustRepeat(s, res, len(c.retry) > 0):
		s.state = again
		c.retry = append(c.retry, id)
	default:
		c.failed = c.failed || s.req.Link == ops.Soft && (res < 0 || short(&s.req, res))
		c.broken = res < 0 && (s.req.Link == ops.Soft || c.failed && res == ecanceled && s.marks&canceling == 0)
		c.settled++
		r.finish(id, s, res, flags)
	}
	r.cancelNext(c, id)
	left := len(c.retry) + len(c.later)
	if c.settled+left < len(c.ids) {
		return
	}
	if c.watched {
		c.watched = false
		r.split--
	}
	if left > 0 {
		r.goOn(c)
	}
}

// cancelNext repeats the cancel of the member after id: the first one had no
// effect if the kernel had not started it (trap 26).
func (r *Ring) cancelNext(c *chain, id uint64) {
	i := slices.Index(c.ids, id) + 1
	if i == len(c.ids) {
		return
	}
	if s := r.slots.Get(c.ids[i]); s != nil && s.state == inKernel && s.marks&canceling != 0 {
		r.cancels = append(r.cancels, c.ids[i])
	}
}

// awaitsTurn reports whether s stands in a chain behind one that has not ended.
// cancelNext cancels it when that has.
func (r *Ring) awaitsTurn(id uint64, s *slot) bool {
	if s.chain == nil {
		return false
	}
	i := slices.Index(s.chain.ids, id)
	if i == 0 {
		return false
	}
	before := r.slots.Get(s.chain.ids[i-1])
	return before != nil && before.state == inKernel
}

// repeatChain hands over what is left of a chain.
func (r *Ring) repeatChain(c *chain) {
	rest := &chain{ids: c.retry, waiting: true}
	for i, id := range rest.ids {
		s := r.slots.Get(id)
		s.chain = rest
		if i == len(rest.ids)-1 {
			s.req.Link = ops.Unlinked // a member behind it was cancelled
		}
	}
	r.again = append(r.again, rest.ids[0])
	for _, id := range rest.ids {
		if s := r.slots.Get(id); s.marks&canceling != 0 {
			r.cutChain(rest, id, ecanceled, s.cause)
			return
		}
	}
}

// cancelMember ends a member that is not in the kernel, and those after it.
func (r *Ring) cancelMember(id uint64, s *slot, cause ops.Cause) {
	if s.chain.waiting {
		r.cutChain(s.chain, id, ecanceled, cause)
		return
	}
	// Others of the chain are still in the kernel: repeatChain looks again.
	s.marks |= canceling
	s.cause = cause
}

// cutChain ends id with res, and cancels the members after it. None of them is
// in the kernel.
func (r *Ring) cutChain(c *chain, id uint64, res int32, cause ops.Cause) {
	i := slices.Index(c.ids, id)
	cut := c.ids[i:]
	if i == 0 {
		r.unqueue(id, r.slots.Get(id))
	}
	c.ids = c.ids[:i]
	if i > 0 {
		r.slots.Get(c.ids[i-1]).req.Link = ops.Unlinked
	}
	for _, member := range cut {
		s := r.slots.Get(member)
		s.cause = cause
		r.finish(member, s, res, 0)
		res, cause = ecanceled, ops.NoCause
	}
}

// short reports whether res is a success that moved less than was asked for,
// which breaks a soft chain (trap 20).
func short(req *ops.Request, res int32) bool {
	switch req.Code {
	case ops.CodeRead, ops.CodeWrite, ops.CodeSend, ops.CodeRecv,
		ops.CodeReadFixed, ops.CodeWriteFixed, ops.CodeSendZC:
		return int(res) < len(req.Buf)
	case ops.CodeReadv, ops.CodeWritev, ops.CodeSendmsg, ops.CodeRecvmsg,
		ops.CodeReadvFixed, ops.CodeWritevFixed, ops.CodeSendmsgZC:
		return true // may be; it only explains what cancels itself anyway
	case ops.CodeSplice, ops.CodeTee:
		return uint32(res) < req.Len
	}
	return false
}
