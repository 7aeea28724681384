package locking

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// Source carries out the lock requests of one Ring. Make one with New.
type Source struct {
	limit    int
	waiters  map[uint64]*waiter
	runnable prio.List[*waiter] // those that should block in the kernel, but have no thread
	threads  int
	rested   []*thread // without work; the last to come is the first to go
	closed   bool

	retrying bool          // timer runs
	timer    *time.Timer   // tries those that are runnable
	pause    time.Duration // until it does
	stats    Stats
}

// Stats describes the lock requests of a Ring at one moment.
type Stats struct {
	Limit    int // threads that may block in the kernel
	Threads  int // threads there are, idle ones included
	Waiting  int // requests that were not granted at once and still wait
	Blocked  int // of these, with a thread blocked in the kernel
	Retrying int // of these, tried at intervals, for lack of a thread

	Inline    uint64 // requests that were done at once, which the Ring counts
	Queued    uint64 // requests that had to wait
	Retries   uint64 // attempts for lack of a thread
	Preempted uint64 // times that a more urgent request took a thread's place
}

// New returns a Source that blocks in the kernel with at most limit threads.
func New(limit int) *Source {
	if !interrupt.Supported {
		limit = 0 // a thread that cannot be interrupted could not be cancelled
	}
	return &Source{limit: limit, waiters: map[uint64]*waiter{}}
}

// Attempt is a request that is to be started, and what became of it.
type Attempt struct {
	ID   uint64
	Req  *ops.Request
	Res  outside.Result
	Done bool
}

// StartAll starts requests in order, as Start does. It is called without the Ring's
// lock, for it may take as long as a file server's answer. Nothing of a request is
// looked at once it is queued.
func (s *Source) StartAll(all []Attempt, to outside.Sink) {
	for i := range all {
		// Most requests need no more than this. It is written out, since the processor
		// forgets its return addresses in a system call: each function on the way costs.
		a := &all[i]
		tried := waiting.Load() == 0
		var errno syscall.Errno
		switch {
		case tried && a.Req.Code == ops.CodeFlock:
			errno = flock(a.Req.FD, flockHow[a.Req.Flags]|unix.LOCK_NB)
		case tried && a.Req.Code == ops.CodeOFDLock:
			l := unix.Flock_t{Type: rangeType[a.Req.Flags], Start: a.Req.Offset, Len: a.Req.Offset2}
			errno = errnoOf(unix.FcntlFlock(uintptr(a.Req.FD), unix.F_OFD_SETLK, &l))
		default:
			a.Res, a.Done = s.start(a.ID, a.Req, to, false)
			continue
		}
		if errno != syscall.EAGAIN || a.Req.Len&Once != 0 {
			a.Res.Res, a.Done = -int32(errno), true
			continue
		}
		a.Res, a.Done = s.start(a.ID, a.Req, to, true)
	}
}

// Start locks, unlocks or tests at once if it can, and queues the request
// otherwise.
func (s *Source) Start(id uint64, req *ops.Request, to outside.Sink) (outside.Result, bool) {
	return s.start(id, req, to, false)
}

// start is Start for a request that was tried in vain, or was not.
func (s *Source) start(id uint64, req *ops.Request, to outside.Sink, tried bool) (outside.Result, bool) {
	op, ok := newOperation(req)
	if !ok {
		return resultOf(syscall.EINVAL), true
	}
	switch req.Code {
	case ops.CodeLockTest:
		return op.test(req.Len&Record != 0), true
	case ops.CodeFutexWake:
		return futexWake(req), true
	}
	// Only where somebody waits can there be somebody to overtake.
	last := op.kind == ops.LockRelease || op.once
	if !tried && (last || waiting.Load() == 0 || op.code == ops.CodeRecordLock) {
		if errno := op.try(); errno != syscall.EAGAIN || last {
			return resultOf(errno), true
		}
		tried = true
	}
	if errno := op.identify(); errno != 0 {
		return resultOf(errno), true
	}
	w := &waiter{op: op, source: s, to: to, id: id}
	mu.Lock()
	defer mu.Unlock()
	if res, done := s.queue(w, req.Priority.Level(), tried); done {
		return res, true
	}
	s.stats.Queued++
	return outside.Result{}, false
}

// queue lets w join those that wait, unless it can have its lock right now.
func (s *Source) queue(w *waiter, level int, tried bool) (outside.Result, bool) {
	q := queues[w.op.key]
	if !tried {
		obstructed := q != nil && q.obstructedBefore(w, level)
		if !obstructed || w.op.converts() {
			// Nobody is overtaken, or a lock is changed that those ahead may be
			// waiting for: they cannot get theirs before it.
			if errno := w.op.try(); errno != syscall.EAGAIN {
				return resultOf(errno), true
			}
		}
	}
	if w.op.code == ops.CodeOFDLock && w.op.holds() {
		// It keeps its present lock while it waits for the new one, so those that
		// wait for the present one to go away must let it pass.
		level = prio.Top
	}
	if q == nil {
		q = &queue{key: w.op.key}
		queues[w.op.key] = q
	}
	s.waiters[w.id] = w
	q.join(w, level)
	return outside.Result{}, false
}

// obstructedBefore is obstructed for a waiter that would join now.
func (q *queue) obstructedBefore(w *waiter, level int) bool {
	w.arrival = arrival + 1
	var probe prio.List[*waiter]
	probe.Push(level, &w.node) // gives it the level
	probe.Remove(&w.node)
	return q.obstructed(&w.op, w)
}

// Cancel ends a request that waits. One that is blocked in the kernel ends a
// little later.
func (s *Source) Cancel(id uint64, _ outside.Sink) bool {
	mu.Lock()
	defer mu.Unlock()
	w := s.waiters[id]
	switch {
	case w == nil:
		return false
	case w.thread != nil:
		w.ended = true
		w.thread.call.Interrupt()
		return false
	}
	w.leave()
	return true
}

// Close ends the threads, once no request is pending any more.
func (s *Source) Close() {
	mu.Lock()
	defer mu.Unlock()
	s.closed = true
	for _, t := range s.rested {
		close(t.next)
	}
	s.threads -= len(s.rested)
	s.rested = nil
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Stats returns the counts of this moment.
func (s *Source) Stats() Stats {
	mu.Lock()
	defer mu.Unlock()
	st := s.stats
	st.Limit, st.Threads, st.Waiting = s.limit, s.threads, len(s.waiters)
	st.Blocked = s.threads - len(s.rested)
	st.Retrying = s.runnable.Len()
	return st
}

// resultOf puts an errno into the form of a completion. A Word may also return
// one of the successes below.
func resultOf(errno syscall.Errno) outside.Result {
	switch {
	case errno >= Success:
		return outside.Result{Res: int32(errno - Success)}
	case errno == changed:
		errno = syscall.EAGAIN
	}
	return outside.Result{Res: -int32(errno)}
}

// Success is added to what a Word returns as the Res of a success.
const Success syscall.Errno = 1 << 16
