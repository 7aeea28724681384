package ring

import (
	"fmt"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/ops"
)

// Submit accepts a request and starts it, or fails and has not. The ID names
// the request for Cancel until its terminal completion.
//
// Errors: ErrInvalid for a request that makes no sense, ErrFull when Capacity
// requests are pending, ErrClosed.
func (r *Ring) Submit(req ops.Request) (ops.ID, error) {
	r.mu.Lock()
	defer r.unlock()
	id, err := r.acceptOne(&req, nil)
	if err != nil {
		return 0, err
	}
	r.startQueued()
	return ops.ID(id), nil
}

// Queue is Submit without the start: the request goes to the kernel, in order of
// priority, with the next Submit, Flush or Wait.
func (r *Ring) Queue(req ops.Request) (ops.ID, error) {
	r.mu.Lock()
	id, err := r.acceptOne(&req, nil)
	r.mu.Unlock()
	return ops.ID(id), err
}

// SubmitAll accepts all of reqs and starts them, or none. Requests linked to
// their successors (ops.Chain, ops.HardChain) form chains, which must end within
// reqs and not be longer than Config.Entries. ids receives the IDs: it is nil,
// or at least as long as reqs.
func (r *Ring) SubmitAll(reqs []ops.Request, ids []ops.ID) error {
	r.mu.Lock()
	defer r.unlock()
	if err := r.acceptAll(reqs, ids); err != nil {
		return err
	}
	r.startQueued()
	return nil
}

// QueueAll is SubmitAll without the start, as Queue is Submit.
func (r *Ring) QueueAll(reqs []ops.Request, ids []ops.ID) (err error) {
	r.mu.Lock()
	if !r.acceptAllStraight(reqs, ids) {
		err = r.acceptGroup(reqs, ids)
	}
	r.unlock()
	return err
}

// Flush starts what is queued. On a pinned Ring, called by another goroutine
// than the owner, it sees to it that the owner's Wait does.
func (r *Ring) Flush() error {
	r.mu.Lock()
	defer r.unlock()
	if r.closing {
		return r.errClosed("flush")
	}
	if r.cfg.Pinned && r.owner.isCaller() {
		return r.pushOwned()
	}
	r.startQueued()
	return nil
}

// startQueued starts what can be started without being the owner.
func (r *Ring) startQueued() {
	if r.cfg.Pinned {
		r.rouseOwner()
	} else {
		r.push()
		r.notify() // it may have taken completions in to make room
	}
}

func (r *Ring) errClosed(what string) error { return fmt.Errorf("%s: %w", what, ops.ErrClosed) }

// check refuses what no system can carry out.
func (r *Ring) check(req *ops.Request) error {
	if err := req.Validate(); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	switch req.Code {
	case ops.CodePost:
		return fmt.Errorf("submit: %w", ops.Invalid("post is not a request: call Ring.Post"))
	case ops.CodeInbox:
		return fmt.Errorf("submit: %w", ops.Invalid("an inbox is not a request: call Ring.NewInbox"))
	}
	if r.routeOf(req) != viaKernel {
		if err := r.checkRoute(req); err != nil {
			return fmt.Errorf("submit: %w", err)
		}
	}
	if req.Link != ops.Unlinked && !r.links(req.Code) {
		return fmt.Errorf("submit %s: %w", req.Code, ops.Invalid("it cannot be part of a chain"))
	}
	return nil
}

// acceptOne takes a single request in.
func (r *Ring) acceptOne(req *ops.Request, w *waiter) (uint64, error) {
	if id := r.acceptStraight(req, w); id != 0 {
		return id, nil
	}
	if id := r.acceptLock(req, w); id != 0 {
		return id, nil
	}
	if r.closing {
		return 0, r.errClosed("submit " + req.Code.String())
	}
	if err := r.check(req); err != nil {
		return 0, err
	}
	if req.Link != ops.Unlinked {
		return 0, fmt.Errorf("submit %s: %w", req.Code,
			ops.Invalid("it is linked to a next request, but there is none: use SubmitAll"))
	}
	if r.time.set.Len() != 0 && r.room() == 0 {
		return 0, fmt.Errorf("submit %s: %w", req.Code, ops.ErrFull)
	}
	if isTimer(req) {
		return r.submitTimer(req, w)
	}
	if req.Mode&ops.Managed != 0 {
		if err := r.hold(req); err != nil {
			return 0, err
		}
	}
	r.noteLevel(req.Priority)
	s, id := r.slots.Alloc()
	if s == nil {
		r.letGo(req)
		return 0, fmt.Errorf("submit %s: %w", req.Code, ops.ErrFull)
	}
	s.req, s.waiter, s.marks = *req, w, large
	if w != nil {
		s.marks |= attended
		r.doing++
	}
	r.stats.Submitted++
	r.admit(id, s)
	r.attempt()
	return id, nil
}

// acceptAll takes a group in.
func (r *Ring) acceptAll(reqs []ops.Request, ids []ops.ID) error {
	if r.acceptAllStraight(reqs, ids) {
		return nil
	}
	return r.acceptGroup(reqs, ids)
}

// acceptGroup is acceptAll for what does not go the straight way.
func (r *Ring) acceptGroup(reqs []ops.Request, ids []ops.ID) error {
	if r.acceptLocks(reqs, ids) {
		return nil
	}
	if err := r.checkAll(reqs, ids); err != nil {
		return err
	}
	for i := 0; i < len(reqs); {
		if reqs[i].Link != ops.Unlinked {
			n := r.acceptChain(reqs[i:], ids, i)
			r.stats.Submitted += uint64(n)
			i += n
			continue
		}
		var id uint64
		if isTimer(&reqs[i]) {
			id = r.acceptTimer(&reqs[i], nil)
		} else {
			var s *slot
			r.noteLevel(reqs[i].Priority)
			s, id = r.slots.Alloc()
			s.req, s.marks = reqs[i], large
			r.stats.Submitted++
			r.admit(id, s)
		}
		if ids != nil {
			ids[i] = ops.ID(id)
		}
		i++
	}
	r.attempt()
	return nil
}

func (r *Ring) checkAll(reqs []ops.Request, ids []ops.ID) error {
	if r.closing {
		return r.errClosed("submit")
	}
	if ids != nil && len(ids) < len(reqs) {
		return fmt.Errorf("submit: %w", ops.Invalid("%d requests, but room for %d IDs", len(reqs), len(ids)))
	}
	length, modes, ticking := 1, ops.Mode(0), 0
	for i := range reqs {
		err := r.check(&reqs[i])
		if err == nil && isTimer(&reqs[i]) {
			ticking++
			err = r.openClock(reqs[i].TimerClock())
		}
		if err == nil && length > 1 {
			err = r.checkMember(&reqs[i])
		}
		if err != nil {
			return fmt.Errorf("request %d of %d: %w", i+1, len(reqs), err)
		}
		modes |= reqs[i].Mode
		if length++; reqs[i].Link == ops.Unlinked {
			if length > 2 {
				if err := r.checkChain(reqs[i+2-length : i+1]); err != nil {
					return err
				}
			}
			length = 1
		}
		if length > r.entries {
			return fmt.Errorf("submit: %w", ops.Invalid("chain longer than the %d of Config.Entries", r.entries))
		}
	}
	if length > 1 {
		return fmt.Errorf("submit: %w", ops.Invalid("the last request is linked to a next one, but there is none"))
	}
	if len(reqs) > r.room() || ticking > r.roomForTimers() {
		return fmt.Errorf("submit %d requests: %w", len(reqs), ops.ErrFull)
	}
	if modes&ops.Managed != 0 {
		return r.holdAll(reqs)
	}
	return nil
}

// checkMember refuses what cannot stand in a chain behind others.
func (r *Ring) checkMember(req *ops.Request) error {
	switch {
	case !r.links(req.Code):
		return fmt.Errorf("submit %s: %w", req.Code, ops.Invalid("it cannot be part of a chain"))
	case req.Mode&ops.Drain != 0:
		return fmt.Errorf("submit %s: %w", req.Code, ops.Invalid("the mode Drain is for the first of a chain, and counts for all of it"))
	}
	return nil
}

// admit finds out what a new request waits for.
func (r *Ring) admit(id uint64, s *slot) {
	if s.req.Mode&(ops.Multishot|ops.Managed) != 0 {
		r.markMode(s)
	}
	if s.req.Timeout != 0 || s.req.Deadline != 0 {
		r.setDeadline(id, s)
	}
	if s.req.Mode&ops.Drain != 0 || r.barrier.up {
		r.holdUp(id, s)
		return
	}
	r.begin(id, s)
}

// begin starts a request, or a chain by its first, or queues it.
func (r *Ring) begin(id uint64, s *slot) {
	if s.chain != nil {
		r.beginChain(id, s)
		return
	}
	if r.sources[s.req.Code] != nil {
		r.startOutside(id, s)
		return
	}
	if s.req.Code == ops.CodePollUpdate && !r.updatePoll(id, s) {
		return
	}
	if r.routeOf(&s.req) != viaKernel || s.req.Code == ops.CodePollUpdate {
		r.route(s)
	}
	if s.marks&apart == 0 && !inSteps(&s.req) && r.stage(id, s) {
		return
	}
	s.state = queued
	r.queue.Push(s.req.Priority, slots.Index(id))
}

// noteLevel keeps track of whether priorities make a difference. It is called ahead
// of each new request.
func (r *Ring) noteLevel(p ops.Priority) {
	if r.slots.Len()+r.time.set.Len() == 0 {
		r.level, r.mixed = p, false
	} else if p != r.level {
		r.mixed = true
	}
}

// stage writes a request straight into the submission ring if that keeps the
// order of priorities and nobody is ahead of it.
func (r *Ring) stage(id uint64, s *slot) bool {
	if s.req.Priority > r.staged {
		r.unstage()
		return false
	}
	if r.queue.Len() != 0 || len(r.cancels) != 0 || len(r.again) != 0 || r.inKernel >= r.cfg.InFlight ||
		!r.mayEnter(s.req.Priority) {
		return false
	}
	sqe := r.u.SQ.Next()
	if sqe == nil {
		return false
	}
	r.encode(sqe, s, id)
	r.staged = s.req.Priority
	r.enter(s)
	return true
}

// unstage takes back what was staged and the kernel has not seen, since
// something more urgent has come. It was ahead of all that is queued.
func (r *Ring) unstage() {
	r.u.SQ.Unpublish(func(userData uint64) {
		s := r.slots.Get(userData)
		r.leave(s)
		if s.marks&canceling != 0 {
			r.finish(userData, s, ecanceled, 0)
			return
		}
		s.state = queued
		r.queue.PushFront(s.req.Priority, slots.Index(userData))
	})
	r.staged = ops.Highest
}

// setDeadline enters the earlier of the request's Timeout and Deadline.
func (r *Ring) setDeadline(id uint64, s *slot) {
	when := s.req.Deadline
	if s.req.Timeout != 0 {
		if t := ops.Now().Add(s.req.Timeout); when == 0 || t < when {
			when = t
		}
	}
	s.marks |= timed
	r.addTimer(id, when)
}

func (r *Ring) addTimer(id uint64, when ops.Instant) {
	r.timers.Add(slots.Index(id), id, when)
	r.hurry(when)
}

// hurry sees to it that those who wait do not sleep beyond when.
func (r *Ring) hurry(when ops.Instant) {
	when = when.Add(r.cfg.TimerSlack)
	if r.export != nil && when < r.export.due {
		r.export.schedule(when)
	}
	if r.cfg.Pinned {
		return // the owner is roused by every Submit
	}
	r.shared.hurry(when)
}
