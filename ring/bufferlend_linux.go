package ring

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// provide adds a buffer to the ring; the kernel sees it after Publish.
func (g *BufferRing) provide(id uint16) {
	at := int(id) * g.cfg.Size
	g.buffers[id] = provided{at: g.br.Tail()}
	g.buffers[g.last].next, g.last = id, id
	g.br.AddBytes(g.mem[at:at+g.cfg.Size], id)
}

// holdGroup notes one more request that picks from its group.
func (r *Ring) holdGroup(req *ops.Request) error {
	g, ok := req.Group().(*BufferRing)
	switch {
	case !ok || g.r != r:
		return ops.Invalid("its buffer group is of another ring")
	case r.res.groups[g.group] != g:
		return ops.Invalid("its buffer group is closed")
	case r.older.oneMessage && req.Code == ops.CodeRecvmsg:
		return fmt.Errorf("%w: messages into buffers of a group want kernel 6.0; Recvmsg takes them one by one", ops.ErrNotSupported)
	case g.cfg.Incremental && req.Code == ops.CodeRecvmsg:
		return ops.Invalid("messages with addresses want a group without BufferConfig.Incremental")
	case g.cfg.Incremental && req.Code == ops.CodeRead:
		// Of a file the kernel takes the whole buffer, whatever there is to read.
		return ops.Invalid("ReadSelect wants a group without BufferConfig.Incremental")
	}
	g.users++
	return nil
}

// arriveSelected lends the buffer that a result brought, and returns flags that
// name the loan instead of the buffer.
func (r *Ring) arriveSelected(s *slot, res int32, flags uint32) uint32 {
	g := s.req.Group().(*BufferRing)
	kept := flags & (uring.CQEFlagMore | uring.CQEFlagSockNonEmpty)
	if flags&uring.CQEFlagBuffer == 0 {
		if flags&uring.CQEFlagMore == 0 && res != -int32(syscall.ENOBUFS) {
			g.wakeStarved() // the kernel may have put a buffer back that it had picked
		}
		return kept
	}
	g.mu.Lock()
	id := uint16(flags >> uring.CQEBufferShift)
	b := &g.buffers[id]
	b.spent = flags&uring.CQEFlagBufMore == 0
	if res <= 0 {
		g.retire(id) // an end, or a failure, needs none
		g.mu.Unlock()
		g.wakeStarved()
		return kept
	}
	defer g.mu.Unlock()
	return kept | ops.FlagBuffer | g.lend(id, uint32(res), &s.req)<<loanShift
}

// lend begins the loan of what a result of n bytes has put into a buffer, and in a
// bundle into those after it. mu is held.
func (g *BufferRing) lend(id uint16, n uint32, req *ops.Request) uint32 {
	if req.Mode&ops.Bundle != 0 {
		return g.lendBundle(id, n, req)
	}
	return g.newLoan(id, g.part(id, n), req)
}

// part returns the next n bytes of a buffer, which are to be lent. mu is held.
func (g *BufferRing) part(id uint16, n uint32) []byte {
	b := &g.buffers[id]
	at := uint32(id)*uint32(g.cfg.Size) + b.used
	b.used += n
	b.parts++
	return g.mem[at : at+n : at+n]
}

// lendBundle lends n bytes that begin in a buffer and go on in those that were
// provided after it, all of which the kernel has done with. mu is held.
func (g *BufferRing) lendBundle(id uint16, n uint32, req *ops.Request) uint32 {
	here := min(n, g.left(id))
	loan := g.newLoan(id, g.part(id, here), req)
	for n -= here; n > 0; n -= here {
		id = g.buffers[id].next
		g.buffers[id].spent = true
		here = min(n, g.left(id))
		g.loans[loan].Append(g.part(id, here))
	}
	return loan
}

// left returns how much of a buffer the kernel had to fill. mu is held.
func (g *BufferRing) left(id uint16) uint32 {
	b, size := &g.buffers[id], uint32(g.cfg.Size)
	if n := g.br.Len(b.at); n > 0 && n < size {
		return n // the kernel has cut it
	}
	return size
}

// lend writes out an event of a multishot request that has put something into a
// buffer of its group, when nothing else has happened to it: arrive, take and borrow
// in one. It reports false if it has done nothing.
func (s *slot) lend(to *ops.Completion, c *uring.CQE) bool {
	req := &s.req
	if s.state != inKernel || s.marks != managed|multi|large || c.Flags&uring.CQEFlagBuffer == 0 || c.Res <= 0 {
		return false
	}
	g, ok := req.Arg.(*BufferRing)
	if !ok {
		return false // a message
	}
	g.mu.Lock()
	id := uint16(c.Flags >> uring.CQEBufferShift)
	g.buffers[id].spent = c.Flags&uring.CQEFlagBufMore == 0
	l := g.loans[g.lend(id, uint32(c.Res), req)]
	g.mu.Unlock()
	to.ID, to.Tag = ops.ID(c.UserData), req.Tag
	to.Code, to.Priority, to.More, to.Cause = req.Code, req.Priority, true, ops.NoCause
	to.Target, to.Res, to.Flags = req.FD, c.Res, c.Flags&uring.CQEFlagSockNonEmpty|l.Flags()
	to.Buf, to.Arg = nil, l
	return true
}

// loanShift is where an arrival's flags hold the index of a loan.
const loanShift = 8

// newLoan begins a loan and returns its index. mu is held.
func (g *BufferRing) newLoan(buffer uint16, data []byte, req *ops.Request) uint32 {
	var i uint32
	if n := len(g.idle); n > 0 {
		i = g.idle[n-1]
		g.idle = g.idle[:n-1]
	} else {
		i = uint32(len(g.loans))
		g.loans = append(g.loans, &ops.Loan{Lender: g})
	}
	l := g.loans[i]
	l.Key, l.Arg = uint64(i)<<16|uint64(buffer), req.Arg
	l.Lend(data)
	g.lent++
	return i
}

// borrow makes a completion own the buffer that its arrival brought.
func (a *arrival) borrow(c *ops.Completion, s *slot) {
	g := s.req.Group().(*BufferRing)
	g.mu.Lock()
	l := g.loans[a.flags>>loanShift]
	g.mu.Unlock()
	c.Arg = l
	c.Flags = a.flags&uring.CQEFlagSockNonEmpty | l.Flags()
}

// TakeBack is what Release of a completion calls.
func (g *BufferRing) TakeBack(l *ops.Loan) {
	g.mu.Lock()
	i, buffer := uint32(l.Key>>16), uint16(l.Key)
	l.Arg = nil
	g.idle = append(g.idle, i)
	g.lent--
	back := false
	for range l.Pieces() {
		g.buffers[buffer].parts--
		next := g.buffers[buffer].next
		back = g.retire(buffer) || back
		buffer = next
	}
	feed := back && g.hungry
	if feed {
		g.hungry = false
	}
	if g.br == nil && g.lent == 0 {
		g.unmap()
	}
	g.mu.Unlock()
	if feed {
		g.r.feedGroup(g)
	}
}

// retire gives a buffer back to the kernel if nobody has a part of it and the
// kernel has done with it, and reports whether it did. mu is held.
func (g *BufferRing) retire(id uint16) bool {
	b := &g.buffers[id]
	if !b.spent || b.parts > 0 || g.br == nil {
		return false
	}
	g.provide(id)
	g.br.Publish()
	g.returns++
	return true
}

// settleSelected deals with the end of a request that picks from a group.
func (r *Ring) settleSelected(id uint64, s *slot, res int32, flags uint32) bool {
	switch {
	case res == -int32(syscall.ENOBUFS) && s.marks&canceling != 0:
		r.finish(id, s, ecanceled, 0)
	case res == -int32(syscall.ENOBUFS):
		r.starve(id, s)
	case res == 0 && s.marks&multi != 0:
		r.finish(id, s, res, flags) // the end of the stream
	default:
		return false
	}
	return true
}

// starve keeps a request back until a buffer is released (trap 15). The first time
// it tries once more: buffers may have come back since the kernel looked.
func (r *Ring) starve(id uint64, s *slot) {
	g := s.req.Group().(*BufferRing)
	g.mu.Lock()
	defer g.mu.Unlock()
	if seen := int32(g.returns & (1<<31 - 1)); s.result != seen+1 {
		s.result = seen + 1
		r.repeat(id, s)
		return
	}
	g.hungry = true
	s.state = starved
	g.starved = append(g.starved, id)
}

// feedGroup hands over what waits for a buffer of g.
func (r *Ring) feedGroup(g *BufferRing) {
	r.mu.Lock()
	defer r.unlock()
	g.feed()
	if !r.closed {
		r.startQueued()
	}
}

// feed lets the requests that wait for a buffer try again. Ring.mu is held.
func (g *BufferRing) feed() {
	g.r.feed(g.starved)
	g.starved = g.starved[:0]
}

// wakeStarved is feed for a buffer that was not lent.
func (g *BufferRing) wakeStarved() {
	g.mu.Lock()
	hungry := g.hungry
	g.hungry = false
	g.mu.Unlock()
	if hungry {
		g.feed()
	}
}

// shut takes the group from the kernel. Ring.mu is held.
func (g *BufferRing) shut() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.br.Close(); err != nil {
		return fmt.Errorf("close buffer ring: %w", err)
	}
	g.br = nil
	if g.lent == 0 {
		g.unmap()
	}
	return nil
}

func (g *BufferRing) unmap() {
	_ = unix.Munmap(g.mem) // it is ours and whole
	g.mem = nil
}

// closeGroups closes the groups that are left.
func (r *Ring) closeGroups() (err error) {
	for id, g := range r.res.groups {
		delete(r.res.groups, id)
		if shutErr := g.shut(); err == nil {
			err = shutErr
		}
	}
	return err
}
