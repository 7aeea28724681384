package ring

import (
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// attempt is a request for a lock that is about to be started. That may take as long
// as the answer of a file server, so it is done without Ring.mu. Whoever gives a
// request to its source makes the attempt before anything else: requests of one
// goroutine are tried in the order in which it submits them.
type attempt struct {
	id   uint64
	s    *slot
	res  outside.Result
	done bool
}

// attempts are those of a Ring.
type attempts struct {
	due    []attempt // to be made by whoever has mu, before it releases that
	spare  []attempt // empty, for the next ones
	atOnce uint64    // how many have settled a request: Stats.Inline of package locks
}

// attemptsKept bounds the memory that is kept for the next ones.
const attemptsKept = 4096

// attempt makes the attempts that are due. It releases mu meanwhile.
func (r *Ring) attempt() {
	for len(r.attempts.due) != 0 {
		todo := r.attempts.due
		r.attempts.due, r.attempts.spare = r.attempts.spare, nil
		r.unlock()
		for i := range todo {
			a := &todo[i]
			a.res, a.done = r.pools.locks.Start(a.id, &a.s.req, (*sink)(r))
		}
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
func (r *Ring) attempted(a *attempt) {
	s := a.s
	if a.done {
		r.attempts.atOnce++
	}
	if a.done && s.marks == 0 && s.result == 0 && a.res.Brought == nil { // as below, in short
		r.outside--
		s.state = ready
		r.ready.Push(s.req.Priority, arrival{a.id, a.res.Res, 0})
		return
	}
	if a.done {
		s.begun()
		r.arriveOutside(a.id, s, a.res)
		return
	}
	if r.slots.Get(a.id) != s || s.state != starting {
		return // it was granted meanwhile
	}
	before := s.req.Priority
	if s.begun(); s.req.Priority != before {
		r.pools.locks.Reorder(a.id, s.req.Priority, (*sink)(r))
	}
	if s.marks&canceling != 0 {
		r.cancelOutside(a.id, s)
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
	r.attempts.due = append(r.attempts.due, attempt{id: id, s: s})
}
