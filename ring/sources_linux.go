package ring

import (
	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/internal/locking"
	"github.com/sluicego/sluice/internal/sighub"
	"github.com/sluicego/sluice/internal/sockname"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
)

// pools are the sources that belong to one Ring.
type pools struct {
	workers *workers.Pool
	locks   *locking.Source
	inboxes inboxes
}

// attach makes the sources and says which operations they carry out.
func (r *Ring) attach() {
	r.pools.workers = workers.New(r.cfg.Workers)
	r.pools.locks = locking.New(r.cfg.LockThreads)
	r.pools.inboxes = inboxes{}
	r.sources[ops.CodeInbox] = r.pools.inboxes
	r.sources[ops.CodeCall] = r.pools.workers
	for _, code := range []ops.Code{
		ops.CodeFlock, ops.CodeOFDLock, ops.CodeRecordLock, ops.CodeLockTest, ops.CodeMutex, ops.CodeEvent,
	} {
		r.sources[code] = r.pools.locks
		r.locking[code] = true
	}
	probe, err := r.u.Probe() // an error: the kernel is older than what is asked for
	for _, code := range []ops.Code{ops.CodeFutexWait, ops.CodeFutexWake, ops.CodeFutexWaitv} {
		if op, ok := uring.Opcode(code); !ok || err != nil || !probe.Has(op) {
			r.sources[code] = r.pools.locks
			r.locking[code] = true
		}
	}
	if !r.canNameSockets() {
		r.sources[ops.CodeSocketName] = sockname.Source{}
	}
	r.sources[ops.CodeSignal] = sighub.Signals
	r.sources[ops.CodeChild] = sighub.Children
	r.sources[ops.CodeKill] = sighub.Sender{}
}

// detach ends the goroutines of the sources.
func (r *Ring) detach() {
	r.pools.workers.Close()
	r.pools.locks.Close()
}

// Workers describes the goroutines that run the Ring's calls (package fallback).
func (r *Ring) Workers() fallback.Stats { return r.pools.workers.Stats() }

// Locks describes the Ring's lock requests and the threads that wait for them
// (package locks).
func (r *Ring) Locks() locks.Stats {
	st := r.pools.locks.Stats()
	r.mu.Lock()
	st.Inline = r.attempts.atOnce
	r.mu.Unlock()
	return st
}
