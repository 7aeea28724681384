package ring

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/ops"
)

// Cancel tries to end the request early. A nil error says that the attempt was
// made; the outcome is the request's own terminal completion, which reports
// ErrCanceled, or whatever the request achieved before. A request that the
// kernel has not started ends at once, and so do those linked behind it; one
// that waits in the kernel for its turn in a chain ends when that comes.
//
// It fails with ErrNotFound when no such request is pending.
func (r *Ring) Cancel(id ops.ID) error {
	r.mu.Lock()
	if !r.cancelPlain(uint64(id), ops.ByCancel) {
		return r.cancelOne(id)
	}
	if r.attended() {
		r.rouseWait()
		r.unlock()
	} else {
		r.mu.Unlock() // the kernel has nothing to do with it, and nobody waits
	}
	return nil
}

// cancelOne is Cancel for what is no plain timer. It is called with mu held, and
// releases it.
func (r *Ring) cancelOne(id ops.ID) error {
	defer r.unlock()
	if !r.cancelName(uint64(id), ops.ByCancel) {
		return fmt.Errorf("cancel %v: %w", id, ops.ErrNotFound)
	}
	if timers.IsName(uint64(id)) {
		r.notify() // the kernel has nothing to do with it
	} else {
		r.afterCancel()
	}
	return nil
}

// CancelEach is Cancel for each of ids, in their order, and returns how many of them were
// pending. It costs less than as many calls, above all for timers, and most where many of
// them are pending: what a single one waits for is mostly their memory, and here it waits
// for that of all of them together.
func (r *Ring) CancelEach(ids []ops.ID) (n int) {
	r.mu.Lock()
	defer r.unlock()
	for group := range slices.Chunk(ids, warmedTogether) {
		for _, id := range group {
			r.time.set.WarmSlot(uint64(id))
		}
		for _, id := range group {
			if r.cancelPlain(uint64(id), ops.ByCancel) || r.cancelName(uint64(id), ops.ByCancel) {
				n++
			}
		}
	}
	r.afterCancel()
	return n
}

// CancelFD tries to end every pending request on the descriptor fd, as Cancel
// does with one, and returns their number. Requests that only use fd as a second
// descriptor (the input of a splice) or as the directory of a path count as well.
func (r *Ring) CancelFD(fd int) (int, error) {
	return r.cancelAll(func(s *slot) bool {
		return usesFD(&s.req) && int(s.req.FD) == fd || usesFD2(&s.req) && int(s.req.FD2) == fd
	})
}

// CancelAll tries to end every pending request and returns their number.
func (r *Ring) CancelAll() (int, error) {
	return r.cancelAll(nil)
}

func (r *Ring) cancelAll(match func(*slot) bool) (n int, err error) {
	r.mu.Lock()
	defer r.unlock()
	if r.closing {
		return 0, r.errClosed("cancel")
	}
	n = r.cancelMatching(match, ops.ByCancel)
	r.afterCancel()
	return n, nil
}

// cancelName cancels the request of that name, if it is pending.
func (r *Ring) cancelName(id uint64, cause ops.Cause) bool {
	if timers.IsName(id) {
		t := r.time.set.Get(id)
		return t != nil && r.cancelTimer(id, t, cause)
	}
	s := r.slots.Get(id)
	return s != nil && r.cancel(id, s, cause)
}

// cancelMatching cancels what match accepts. Timers are meant when it is nil.
func (r *Ring) cancelMatching(match func(*slot) bool, cause ops.Cause) (n int) {
	if match == nil {
		n = r.cancelTimers(cause)
	}
	for id, s := range r.slots.All {
		if (match == nil || match(s)) && r.cancel(id, s, cause) {
			n++
		}
	}
	return n
}

// afterCancel sends off cancels, and tells those who wait about requests that
// ended at once.
func (r *Ring) afterCancel() {
	r.startQueued()
	r.notify()
}

// cancel ends a request that has not started, and lines up a cancel for one that
// has. It reports false if there is nothing left to cancel.
func (r *Ring) cancel(id uint64, s *slot, cause ops.Cause) bool {
	switch s.state {
	case ready:
		return false
	case inKernel:
		if s.marks&canceling == 0 {
			s.marks |= canceling
			s.cause = cause
			r.cancels = append(r.cancels, id)
		}
		return true
	case starting:
		if s.marks&canceling == 0 {
			s.marks |= canceling
			s.cause = cause
		}
		return true
	case elsewhere:
		if s.marks&canceling == 0 {
			s.marks |= canceling
			s.cause = cause
			r.cancelOutside(id, s)
		}
		return true
	}
	if s.chain != nil {
		r.cancelMember(id, s, cause)
		return true
	}
	r.unqueue(id, s)
	s.cause = cause
	r.finish(id, s, ecanceled, 0)
	return true
}

// cancelMissed is called when the kernel has not found, or not stopped, what it
// was to cancel. Mostly that has just ended, and only its own completion counts
// (trap 23). But requests also escape between two steps: when the one before it
// in a chain has ended and it is about to start, or on the way to a worker. Such
// a cancel is repeated after a while.
func (r *Ring) cancelMissed(id uint64) {
	s := r.slots.Get(id)
	if s == nil || s.state != inKernel || s.marks&canceling == 0 {
		return
	}
	if r.awaitsTurn(id, s) {
		if !s.chain.watched {
			s.chain.watched = true
			r.split++
		}
		return
	}
	if s.marks&timed != 0 {
		r.timers.Remove(slots.Index(id)) // its time counts no more
	}
	s.marks |= timed
	r.addTimer(id, ops.Now().Add(time.Millisecond<<r.rare.miss(id)))
}

func usesFD(req *ops.Request) bool {
	switch req.Code {
	case ops.CodePipe, ops.CodeMadvise, ops.CodeGetxattr, ops.CodeSetxattr, ops.CodeNop, ops.CodeTimer, ops.CodePost, ops.CodeSocket, ops.CodePollUpdate, ops.CodeCall,
		ops.CodeMutex, ops.CodeEvent, ops.CodeInbox, ops.CodeMessage, ops.CodeFutexWait, ops.CodeFutexWake, ops.CodeFutexWaitv:
		return false
	}
	return true
}

func usesFD2(req *ops.Request) bool {
	switch req.Code {
	case ops.CodeSplice, ops.CodeTee, ops.CodeRename, ops.CodeHardlink, ops.CodeEpollCtl:
		return true
	}
	return false
}
