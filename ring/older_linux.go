package ring

import (
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// older is what an older kernel refuses with EINVAL in an operation that it has.
// encode leaves it out then, and the Ring does its part.
type older struct {
	// oneAccept: accepts are not multishot, before 5.19. continueMultishot hands
	// them over again, after each connection.
	oneAccept bool
	// lateTimers: a timer that runs out fails, before 5.16, and its chain with it.
	// So it is the last that the kernel gets at once: see segment.
	lateTimers bool
	// noTable: the kernel does not pick from a range of direct descriptors, before
	// 6.0. Whoever asks, on whatever thread, is to hear that first.
	noTable bool
}

// learnAge finds out what r.older is by what came with it, since no list of the
// kernel's has it: SOCKET, SEND_ZC, and a little later than the timers, CQE_SKIP
// (5.17).
func (r *Ring) learnAge(lacks func(uring.Op) bool) {
	r.older = older{
		oneAccept:  lacks(uring.OpSocket),
		lateTimers: r.u.Features()&uring.FeatCQESkip == 0,
		noTable:    lacks(uring.OpSendZC),
	}
}

// forOlder takes out of an entry what the kernel does not know.
func (r *Ring) forOlder(q *uring.SQE, code ops.Code) {
	switch {
	case code == ops.CodeAccept && r.older.oneAccept:
		q.Ioprio &^= uring.AcceptMultishot
	case code == ops.CodeTimer && r.older.lateTimers:
		q.OpFlags &^= uring.TimeoutEtimeSuccess
	}
}
