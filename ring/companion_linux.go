package ring

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/portable"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// companion carries out operations that this kernel's rings lack: a portable engine
// beside the ring, which is made for the first request that needs it. To the rest of
// the Ring its requests are in the kernel like others. They are entered, and their
// completions reaped, by whoever fills the submission ring; in between, the ring
// polls the companion's descriptor, so that one wait is for both. Ring.mu guards it.
type companion struct {
	u      *uring.Ring // nil before the first request
	polled bool        // the poll on its descriptor is in the ring
}

// needCompanion makes the companion, if req can go there.
func (r *Ring) needCompanion(req *ops.Request) error {
	if own := kernelsOwn(req); own != "" {
		return r.errApart(req, fmt.Sprintf("; elsewhere %s is not known", own))
	}
	if r.companion.u != nil {
		return nil
	}
	u, err := portable.New(uring.Options{Entries: uint32(r.entries), CQEntries: uint32(r.completionEntries)}, r.cfg.KernelWorkers)
	if err != nil {
		return &ops.Error{Code: req.Code, Target: req.Describe(), Err: fmt.Errorf("what stands in for the kernel: %w", err)}
	}
	r.companion.u = u
	return nil
}

// queueOf returns the submission queue that s goes to.
func (r *Ring) queueOf(sq *uring.SQ, s *slot) *uring.SQ {
	if s.marks&apart == 0 {
		return sq
	}
	r.chores = true // the companion has to be entered
	return r.companion.u.SQ
}

// attendCompanion enters the companion with what was handed over to it, takes in what has
// completed, and sees to it that the ring polls it. It does not block.
func (r *Ring) attendCompanion(sq *uring.SQ) {
	c := &r.companion
	if !c.polled {
		if sqe := sq.Next(); sqe != nil {
			uring.EncodePoll(sqe, int32(c.u.FD()), unix.POLLIN, false, udCompanion)
			c.polled = true
		} else {
			r.chores = true // next time
		}
	}
	n := c.u.SQ.Publish()
	// To want one and to have no time for it makes the engine look at its descriptors.
	_, err := c.u.Enter(n, 1, uring.EnterGetEvents, 0, 0)
	if err != nil && err != uring.ErrTimeout && err != uring.ErrInterrupted {
		r.fail(fmt.Errorf("companion: %w: the ring is unusable, close it", err))
		return
	}
	came := c.u.CQ.Ready()
	for i := range came {
		e := c.u.CQ.At(i)
		r.arrive(e.UserData, e.Res, e.Flags)
	}
	c.u.CQ.Advance(came)
	if n != 0 || came != 0 {
		r.chores = true // that may have made room, or work
	}
}

// companionReady handles the end of the poll on the companion: something has
// happened there, or the thread that submitted the poll has exited.
func (r *Ring) companionReady() {
	r.companion.polled = false
	r.chores = true
}

func (r *Ring) closeCompanion() error {
	if r.companion.u == nil {
		return nil
	}
	return r.companion.u.Close()
}

// doChores does what comes with handing over, besides requests.
func (r *Ring) doChores(sq *uring.SQ) {
	r.chores = false
	r.listenClocks(sq)
	if r.companion.u != nil {
		r.attendCompanion(sq)
	}
}

// listening reports whether the ring polls for others than requests.
func (r *Ring) listening() bool { return r.companion.polled || r.time.listening() }

// goApart hands s over once more, to the companion, if that can carry it out.
func (r *Ring) goApart(id uint64, s *slot) bool {
	if err := r.needCompanion(&s.req); err != nil {
		return false // what the kernel has said stands
	}
	s.marks |= apart
	r.repeat(id, s)
	return true
}
