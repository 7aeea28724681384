package ring

import (
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// older is what an older kernel refuses with EINVAL in an operation that it has.
// encode leaves it out then, and the Ring does its part, or New and Submit say so.
type older struct {
	// oneAccept: accepts are not multishot, before 5.19. continueMultishot hands
	// them over again, after each connection.
	oneAccept bool
	// oneMessage: receives of messages are not, before 6.0. One by one they would come
	// without what says how long address, ancillary data and data are.
	oneMessage bool
	// tryTransfer and tryAccept: sends and receives, before 5.19, and accepts, before
	// 6.10, are tried before they wait, whoever asks: see ops.Request.WithPollFirst.
	tryTransfer, tryAccept bool
	// lateTimers: a timer that runs out fails, before 5.16, and its chain with it.
	// So it is the last that the kernel gets at once: see segment.
	lateTimers bool
	// noTable: the kernel does not pick from a range of direct descriptors, before
	// 6.0. Whoever asks, on whatever thread, is to hear that first.
	noTable bool
}

// learnAge finds out what r.older is by what came with it, since no list of the
// kernel's has it: SOCKET (5.19), SEND_ZC (6.0), bundles (6.10), and a little later
// than the timers, CQE_SKIP (5.17). The portable engine has all of it.
func (r *Ring) learnAge(lacks func(uring.Op) bool, features uint32) {
	if r.u.Emulated() {
		return
	}
	r.older = older{
		oneAccept:   lacks(uring.OpSocket),
		oneMessage:  lacks(uring.OpSendZC),
		tryTransfer: lacks(uring.OpSocket),
		tryAccept:   features&uring.FeatRecvSendBundle == 0,
		lateTimers:  features&uring.FeatCQESkip == 0,
		noTable:     lacks(uring.OpSendZC),
	}
}

// forOlder takes out of the entry of req what the kernel does not know.
func (r *Ring) forOlder(q *uring.SQE, req *ops.Request) {
	switch req.Code {
	case ops.CodeAccept:
		if r.older.oneAccept {
			q.Ioprio &^= uring.AcceptMultishot
		}
		if r.older.tryAccept {
			q.Ioprio &^= uring.AcceptPollFirst
		}
	case ops.CodeTimer:
		if r.older.lateTimers {
			q.OpFlags &^= uring.TimeoutEtimeSuccess
		}
	default:
		if r.older.tryTransfer && req.Mode&ops.PollFirst != 0 {
			q.Ioprio &^= uring.RecvSendPollFirst
		}
	}
}
