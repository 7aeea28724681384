package ring

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// fill moves into the submission ring what can go there: cancels first, then
// what must be repeated, then the queue, most urgent first. It returns how many
// entries the kernel has to take. Where locks are to be tried, it releases mu.
func (r *Ring) fill() uint32 {
	for {
		n := r.fillOnce()
		if len(r.attempts.due) == 0 {
			return n
		}
		r.attempt()
	}
}

func (r *Ring) fillOnce() uint32 {
	sq := r.u.SQ
	if r.barrier.due {
		r.passBarrier()
	}
	if len(r.cancels) != 0 {
		r.fillCancels(sq)
	}
	if len(r.again) != 0 {
		r.fillAgain(sq)
	}
	for r.queue.Len() != 0 {
		i, ok := r.queue.Next(r.openLevels())
		if !ok {
			break
		}
		s, id := r.slots.At(i)
		if !r.handOver(sq, id, s) {
			break
		}
		r.queue.Take(i)
	}
	for r.wentOn {
		r.wentOn = false // a source may be done at once, and its chain goes on
		r.fillAgain(sq)
	}
	if r.cfg.Pinned && r.owner.deaf {
		r.owner.listen(sq)
	}
	if r.chores {
		r.doChores(sq)
	}
	r.staged = ops.Highest
	return sq.Publish()
}

// handOver writes a request, or a chain by its first member, into the submission
// ring. It reports false if there is no room.
func (r *Ring) handOver(sq *uring.SQ, id uint64, s *slot) bool {
	if s.chain != nil && s.marks&needsPoll == 0 {
		return r.handOverChain(sq, s.chain)
	}
	if inSteps(&s.req) {
		return r.handOverFile(sq, id, s)
	}
	sqe := r.queueOf(sq, s).Next()
	if sqe == nil {
		return false
	}
	if s.marks&needsPoll != 0 {
		s.marks = s.marks&^needsPoll | polling
		fd, events := s.pollFirst()
		uring.EncodePoll(sqe, fd, events, false, id)
	} else {
		r.encode(sqe, s, id)
	}
	r.enter(s)
	return true
}

// handOverChain writes all members of a chain, or none: the kernel ends a chain
// where a submission ends (trap 21).
func (r *Ring) handOverChain(sq *uring.SQ, c *chain) bool {
	n := r.segment(c)
	if first := c.ids[0]; r.aside(first) {
		c.waiting = false
		r.holdBack(c, n)
		r.startOutside(first, r.slots.Get(first))
		return true
	}
	sq = r.queueOf(sq, r.slots.Get(c.ids[0]))
	if int(sq.Space()) < n {
		return false
	}
	c.waiting = false
	for i, id := range c.ids[:n] {
		s, sqe := r.slots.Get(id), sq.Next()
		if isInstant(&s.req) {
			kernelTimer(&s.req) // from now on
		}
		r.encode(sqe, s, id)
		if i == n-1 {
			unlink(sqe)
		}
		r.enter(s)
	}
	r.holdBack(c, n)
	return true
}

func (r *Ring) fillCancels(sq *uring.SQ) {
	for len(r.cancels) != 0 {
		last := len(r.cancels) - 1
		id := r.cancels[last]
		if s := r.slots.Get(id); s != nil && s.state == inKernel && inSteps(&s.req) {
			if !r.cancelRead(sq, id, s) {
				return
			}
		} else if s != nil && s.state == inKernel {
			sqe := r.queueOf(sq, s).Next()
			if sqe == nil {
				return
			}
			uring.EncodeCancel(sqe, id, internal|id)
			r.asked++
		}
		r.cancels = r.cancels[:last]
	}
}

func (r *Ring) fillAgain(sq *uring.SQ) {
	n := 0
	for _, id := range r.again {
		s := r.slots.Get(id)
		if s != nil && s.state == again && !r.handOver(sq, id, s) {
			break
		}
		n++
	}
	r.again = r.again[:copy(r.again, r.again[n:])]
}

// push hands everything over that the in-flight window lets through, and lets
// the kernel start it. In shared mode any goroutine may call it, with mu held;
// mu is released during each system call.
func (r *Ring) push() {
	for !r.closed && r.broken == nil {
		n := r.fill()
		flags := uint32(0)
		if r.u.SQ.Overflowed() {
			flags = uring.EnterGetEvents
		}
		if n == 0 && flags == 0 {
			if r.chores {
				continue
			}
			return
		}
		if n != 0 {
			// Not n: when others submit meanwhile, that many entries may end in
			// the middle of a chain of theirs, and the kernel would cut it there.
			n = uint32(r.entries)
		}
		r.stats.Enters++
		r.entering++
		r.mu.Unlock()
		_, err := r.u.EnterPlain(n, 0, flags)
		r.mu.Lock()
		r.entering--
		if err != nil {
			r.retry(err)
		}
		if flags != 0 || r.shared.leader != nil && r.u.Emulated() {
			r.reap(nil) // the portable engine leaves it to us to tell the leader
		}
		if r.closing && r.drained() {
			r.rouseAll() // somebody is in Close
		}
	}
}

// look has the portable engine look at descriptors, which the kernel does by itself.
// It does not block.
func (r *Ring) look() {
	if !r.u.Emulated() || r.closed || r.broken != nil {
		return
	}
	if _, err := r.u.EnterPlain(0, 0, uring.EnterGetEvents); err != nil {
		r.retry(err)
	}
}

// retry decides what an error of enter means, and makes room where that helps.
func (r *Ring) retry(err error) {
	switch err {
	case uring.ErrInterrupted, uring.ErrTimeout:
		// Neither a signal nor the time to look at a timer is a failure.
	case syscall.EBUSY, syscall.EAGAIN:
		// EBUSY: the completion ring has overflowed; reaping makes room.
		// EAGAIN: the kernel is short of memory for requests; those in flight
		// give it back. Entries not taken stay in the submission ring.
		if !r.reap(nil) {
			r.mu.Unlock()
			time.Sleep(50 * time.Microsecond)
			r.mu.Lock()
		}
	case syscall.EEXIST:
		// The goroutine that made the ring has ended, and its thread with it.
		r.fail(fmt.Errorf("io_uring_enter: %w", ops.ErrWrongThread))
	default:
		if r.cfg.Pinned && unix.Gettid() != r.owner.thread {
			// The same, where the index of the registered descriptor means nothing, or
			// another ring. The runtime took this goroutine for the one that has ended.
			err = ops.ErrWrongThread
		}
		r.fail(fmt.Errorf("io_uring_enter: %w: the ring is unusable, close it", err))
	}
}

// fail notes that the engine has failed for good, and tells all who wait for it.
func (r *Ring) fail(err error) {
	r.broken = err
	r.rouseAll()
}
