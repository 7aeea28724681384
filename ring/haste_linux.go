package ring

import (
	"time"

	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// See doc/decisions/0015.
const (
	// holdTime is for how long an urgent read or write holds back others, at most: it
	// may be one of a pipe, and wait without end.
	holdTime = time.Millisecond
	// hasteMemory is for how long after that another is expected.
	hasteMemory = time.Second
)

// lows are the levels that urgent reads and writes hold back.
const lows = prio.AllLevels &^ (prio.AllLevels << 2)

// haste is about the urgent reads and writes that the kernel has, where a reserve is
// kept. A device may tell of what it has done when it has done all that it has: what it
// gets together with such a read, or just before, then delays the answer.
type haste struct {
	n       int         // of them
	until   ops.Instant // when the last that was handed over holds back others no more
	leaving bool        // the owner has what it waits for, and its answer may be one
}

// hurried reports whether a request is such a one.
func hurried(s *slot) bool { return s.req.Priority >= ops.High && hasIOPrio[s.req.Code] }

// hasten notes that a request goes to the kernel.
func (r *Ring) hasten(s *slot) {
	if hurried(s) {
		r.haste.n++
		r.haste.until = ops.Now().Add(holdTime)
		r.hurry(r.haste.until)
	}
}

// holdsBack reports whether requests of low levels that have room in the window are
// held back all the same, but for those that were passed over for too long.
func (r *Ring) holdsBack() bool {
	h := &r.haste
	if h.n == 0 && !h.leaving || h.until == 0 {
		return false
	}
	now := ops.Now()
	return h.n != 0 && now < h.until || h.leaving && now < h.until.Add(hasteMemory)
}

// nextHold returns when somebody must look again at what is held back.
func (r *Ring) nextHold() ops.Instant {
	if r.haste.n == 0 || r.cfg.Pinned && r.queue.Filled()&lows == 0 || !r.holdsBack() {
		return ops.Never
	}
	return r.haste.until
}
