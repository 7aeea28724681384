package ring

import (
	"github.com/sluicego/sluice/internal/locking"
	"github.com/sluicego/sluice/ops"
)

// attempts are requests for locks that are about to be started. That may take as long
// as a file server's answer, so it is done without Ring.mu; whoever has that makes the
// attempt before anything else. Requests of one goroutine are tried in the order in
// which it submits them.
type attempts struct {
	due    []locking.Attempt // to be made by whoever has mu, before it releases that
	spare  []locking.Attempt // empty, for the next ones
	atOnce uint64            // how many have settled a request: Stats.Inline of package locks
}

// attemptsKept bounds the memory that is kept for the next ones.
const attemptsKept = 4096

// attempt makes the attempts that are due. It releases mu meanwhile.
func (r *Ring) attempt() {
	for len(r.attempts.due) != 0 {
		todo := r.attempts.due
		r.attempts.due, r.attempts.spare = r.attempts.spare, nil
		r.unlock()
		r.pools.locks.StartAll(todo, (*sink)(r))
		r.mu.Lock()
		for i := range todo {
			r.attempted(&todo[i])
		}
		if clear(todo); len(todo) <= attemptsKept {
			r.attempts.spare = todo[:0]
		}
	}
	if r.closing && r.drained() {
		r.rouseAll() // somebody is in Close
	}
}

// attempted notes what became of an attempt.
func (r *Ring) attempted(a *locking.Attempt) {
	s := r.slots.Get(a.ID)
	if !a.Done {
		if s != nil && s.state == starting { // else it was granted meanwhile
			r.givenAway(a.ID, s)
		}
		return
	}
	r.attempts.atOnce++
	if s.marks == 0 && s.result == 0 && a.Res.Brought == nil { // as arriveOutside, in short
		r.outside--
		s.state = ready
		r.ready.Push(s.req.Priority, arrival{a.ID, a.Res.Res, 0})
		return
	}
	s.begun()
	r.arriveOutside(a.ID, s, a.Res)
}

// givenAway is called when the source of locks has a request, which waits, and tells it
// what has happened since.
func (r *Ring) givenAway(id uint64, s *slot) {
	before := s.req.Priority
	if s.begun(); s.req.Priority != before {
		r.pools.locks.Reorder(id, s.req.Priority, (*sink)(r))
	}
	if s.marks&canceling != 0 {
		r.cancelOutside(id, s)
	}
}

// begun notes that a source has a request, or has had it. Its priority is what it
// was set to meanwhile.
func (s *slot) begun() {
	s.state = elsewhere
	if s.result != 0 {
		s.req.Priority, s.result = ops.Priority(s.result>>1), 0
	}
}

// setPriorityLater is for a request whose priority its source may be looking at.
func (s *slot) setPriorityLater(p ops.Priority) { s.result = int32(p)<<1 | 1 }

// lockable reports whether a request is for the source of locks, and begins as soon
// as it is accepted.
func (r *Ring) lockable(req *ops.Request) bool {
	return r.locking[req.Code] && req.Link == ops.Unlinked && req.Mode == 0 &&
		int64(req.Timeout)|int64(req.Deadline) == 0 && req.Validate() == nil
}

// unobstructed reports whether n such requests may begin.
func (r *Ring) unobstructed(n int) bool {
	return !r.closing && !r.barrier.up && n <= r.slots.Room() && (r.time.set.Len() == 0 || n <= r.room())
}

// acceptLock is acceptOne for them. It returns 0 if it has done nothing.
func (r *Ring) acceptLock(req *ops.Request, w *waiter) uint64 {
	if !r.lockable(req) || !r.unobstructed(1) {
		return 0
	}
	id := r.takeInLock(req, w)
	r.attempt()
	return id
}

// acceptLocks is acceptAll for them. It reports false if it has done nothing.
func (r *Ring) acceptLocks(reqs []ops.Request, ids []ops.ID) bool {
	if ids != nil && len(ids) < len(reqs) || !r.unobstructed(len(reqs)) {
		return false
	}
	for i := range reqs {
		if !r.lockable(&reqs[i]) {
			return false
		}
	}
	for i := range reqs {
		id := r.takeInLock(&reqs[i], nil)
		if ids != nil {
			ids[i] = ops.ID(id)
		}
	}
	r.attempt()
	return true
}

// takeInLock gives a slot to one of them, for which there is room, and lines it up.
func (r *Ring) takeInLock(req *ops.Request, w *waiter) uint64 {
	r.noteLevel(req.Priority)
	s, id := r.slots.Alloc()
	if req.Offset2|int64(req.FD2)|int64(req.Index)|int64(req.Personality) == 0 && req.Arg == nil && req.Keep == nil {
		q := &s.req // the rest is zero, as it is in free slots: see put
		q.Code, q.Priority, q.FD, q.Flags, q.Len, q.Offset = req.Code, req.Priority, req.FD, req.Flags, req.Len, req.Offset
		q.Buf, q.Tag = req.Buf, req.Tag
	} else {
		s.req, s.marks = *req, large
	}
	if w != nil {
		s.waiter = w
		s.marks |= attended
		r.doing++
	}
	r.stats.Submitted++
	r.startLater(id, s)
	return id
}

// startLater lines a request up for attempt.
func (r *Ring) startLater(id uint64, s *slot) {
	s.state, s.result = starting, 0
	r.outside++
	r.attempts.due = append(r.attempts.due, locking.Attempt{ID: id, Req: &s.req})
}
