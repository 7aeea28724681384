package ring

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/goid"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// This file is about pinned Rings whose owner has ended. A goroutine that ends while
// it is locked takes its thread along, and the kernel ends all that the thread has
// submitted before that is gone. No other thread may enter the ring, but Close can
// do without: it reads the completions that are there. On the portable engine whoever
// calls Close becomes the owner.

// isCallerForSure is isCaller also where the owner may have ended, and its
// descriptor in the runtime serve another goroutine.
func (o *ownership) isCallerForSure() bool { return o.isCaller() && unix.Gettid() == o.thread }

// hasEnded reports whether the owner's thread is gone. If another thread of the
// process has got its number since, it is believed to live.
func (o *ownership) hasEnded() bool {
	return unix.Tgkill(unix.Getpid(), o.thread, 0) == syscall.ESRCH
}

// takeOver ends what is pending if the owner of the Ring, which is closing, has
// ended. It reports whether nothing keeps the Ring from being freed.
func (r *Ring) takeOver() bool {
	if !r.owner.gone {
		// Only of such rings (from 6.0) is it certain that one thread has submitted
		// all, and that nothing of it is left.
		if r.u.Flags()&uring.SetupSingleIssuer == 0 || !r.owner.hasEnded() {
			return false
		}
		r.owner.gone = true
		r.u.Abandon()
		r.endOrphans()
	}
	return r.drained()
}

// inherit makes the caller the owner of a Ring whose owner has ended, if another
// thread may do what that did: the portable engine does not care for threads. It
// reports whether it has.
func (r *Ring) inherit() bool {
	if r.cfg.Engine != Portable || !r.owner.hasEnded() {
		return false
	}
	runtime.LockOSThread() // until tearDown
	r.owner.heir, r.owner.thread = true, unix.Gettid()
	r.owner.goroutine.Store(goid.Current())
	return true
}

// endOrphans ends every request but those of sources, which Close has cancelled. The
// kernel has none any more.
func (r *Ring) endOrphans() {
	r.reap(nil)
	r.unstage()
	for id, s := range r.slots.All {
		switch s.state {
		case ready, elsewhere, starting:
			continue
		case inKernel: // the kernel has never seen it, or had no room for the result
			r.leave(s)
		case queued:
			r.unqueue(id, s)
		}
		s.cause = ops.ByClose
		r.finish(id, s, ecanceled, 0)
	}
	r.cancels, r.again = r.cancels[:0], r.again[:0]
	r.rouseAll()
}

// settleKicks waits until nobody is about to write to the eventfd, whose number may
// serve another file when it is closed.
func (o *ownership) settleKicks() {
	for o.kicking.Load() != 0 {
		runtime.Gosched() // a write of theirs does not block, nor does it need Ring.mu
	}
}
