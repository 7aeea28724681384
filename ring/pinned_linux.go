package ring

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/goid"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/internal/workers"
	"github.com/sluicego/sluice/ops"
)

// ownership is how the owner of a pinned Ring waits: in io_uring_enter itself.
// The ring polls an eventfd to which others write to wake it.
type ownership struct {
	goroutine atomic.Uintptr // goid of the owner; changed under Ring.mu: see inherit
	thread    int            // its thread
	eventfd   int

	w waiter // of the Wait that the owner is in

	breath

	sleeping bool     // the owner is in a wait that others may have to end
	batching bool     // and that does not end with the first completion
	wanted   kickKind // what unlock has to do
	kicked   bool     // the eventfd was written to and the ring has not said so yet
	deaf     bool     // the poll on the eventfd must be armed
	oneShot  bool     // the kernel has no multishot poll (before 5.13)
	gone     bool     // the owner has ended: see takeOver
	heir     bool     // and who called Close is the owner now: see inherit

	free    atomic.Bool  // and the Ring is closed: anybody may take what is left
	kicking atomic.Int32 // calls of kick that are due or under way; raised under Ring.mu

	nag *time.Timer // repeats a forceful kick until it is felt; stopped by tearDown
}

// kickKind is how to wake the owner.
type kickKind uint8

const (
	none     kickKind = iota
	gentle            // write to the eventfd: one completion ends its wait
	forceful          // interrupt its thread too: it waits for more than one
)

// nagInterval is when a forceful kick is repeated. Its signal is lost if it comes
// just before the owner's system call begins.
const nagInterval = time.Millisecond

func (r *Ring) startPinned() (err error) {
	o := &r.owner
	o.thread, o.deaf = unix.Gettid(), true
	if o.eventfd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	// Without a registered descriptor entering costs a little more, and that is
	// all: kernels before 5.18 have none (EINVAL), a thread has 16 (EBUSY, trap 47),
	// and a sandbox may allow the other two calls alone.
	_ = r.u.RegisterRingFD()
	o.nag = time.AfterFunc(time.Hour, r.kickAgain)
	o.nag.Stop()
	return nil
}

// isCaller reports whether the calling goroutine is the owner.
func (o *ownership) isCaller() bool { return goid.Current() == o.goroutine.Load() }

// mayWait reports whether the calling goroutine may take completions.
func (r *Ring) mayWait() bool {
	return !r.cfg.Pinned || r.owner.isCaller() || r.owner.free.Load()
}

// rouse sees to it that the owner looks again.
func (o *ownership) rouse() {
	if !o.sleeping || o.kicked {
		return
	}
	o.kicked = true
	o.wanted = gentle
	if o.batching {
		o.wanted = forceful
		o.nag.Reset(nagInterval)
	}
}

func (o *ownership) takeKick() (k kickKind) {
	if k, o.wanted = o.wanted, none; k != none {
		o.kicking.Add(1)
	}
	return k
}

// kick wakes the owner, as takeKick has said. It is called without Ring.mu.
func (o *ownership) kick(k kickKind) {
	defer o.kicking.Add(-1)
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(o.eventfd, one[:]) // EAGAIN after 2^64 wake-ups
	if k == forceful {
		o.interrupt()
	}
}

// interrupt ends the owner's system call with EINTR. The runtime uses SIGURG to
// interrupt its own threads, and expects stray ones.
func (o *ownership) interrupt() { _ = unix.Tgkill(unix.Getpid(), o.thread, unix.SIGURG) }

// kickAgain is called when a forceful kick should have been felt.
func (r *Ring) kickAgain() {
	r.mu.Lock()
	defer r.unlock()
	if o := &r.owner; o.batching && o.kicked {
		o.interrupt()
		o.nag.Reset(nagInterval)
	}
}

// listen arms the poll on the eventfd.
func (o *ownership) listen(sq *uring.SQ) {
	sqe := sq.Next()
	if sqe == nil {
		return // next time
	}
	if o.oneShot {
		var count [8]byte
		_, _ = unix.Read(o.eventfd, count[:]) // else the poll ends at once
	}
	uring.EncodePoll(sqe, int32(o.eventfd), unix.POLLIN, !o.oneShot, udWake)
	o.deaf = false
}

// heard notes a completion of the poll on the eventfd.
func (o *ownership) heard(res int32, flags uint32) {
	o.kicked = false
	o.deaf = flags&uring.CQEFlagMore == 0 // the poll has ended (trap 14)
	if res == -int32(unix.EINVAL) {
		o.oneShot = true
	}
}

// awaitOwned advances the ring until w is satisfied or timeout has passed: one
// system call hands over what is queued and waits.
func (r *Ring) awaitOwned(w *waiter, timeout time.Duration) error {
	deadline := ops.Never
	if timeout > 0 {
		deadline = until(timeout)
	}
	for done, entered := false, false; ; entered = true {
		came := r.reap(w)
		r.expire()
		r.passBarrier() // what that completes must be taken before the owner sleeps
		r.tearDownIfDrained()
		done = w.satisfied(r) || done
		if r.closed || r.broken != nil {
			return w.err
		}
		r.haste.leaving = done && entered && w.n > 0 && r.export == nil
		todo := r.fill()
		r.haste.leaving = false
		// A source may have been done at once; and where a lock was tried mu was free, so that
		// others may have come who took the owner for awake.
		done = done || w.satisfied(r)
		// The kernel sets the flag after it has lined work up. If that is done
		// meanwhile, the flag stays, and entering brings nothing.
		more := r.chores || r.u.SQ.NeedsFlush() && (came || !entered) || r.u.Emulated() && !entered
		if todo == 0 && done && (w.min > 0 || !more) {
			return w.err
		}
		expired := deadline != ops.Never && ops.Now() >= deadline
		if todo == 0 && (expired || timeout == 0) && !more {
			w.err = ops.ErrTimeout
			return w.err
		}
		want := uint32(0)
		// Whoever sleeps before it listens is not woken by others.
		if !done && !expired && timeout != 0 && !r.hasWork() && !r.owner.deaf {
			want = r.want(w.min - w.n)
		}
		r.enterOwned(todo, want, deadline, w.relax)
	}
}

// want returns how many completions to sleep for when missing ones are wanted.
// Those that a Do waits for, that make room for queued requests, that a barrier
// waits for, or that tell of a clock or the companion, are needed one by one, and so is the one that
// a kick which is under way will bring. So are those that the rest of a chain waits
// for, and answers to cancels, which may have to be repeated.
func (r *Ring) want(missing int) uint32 {
	if r.doing > 0 || r.asked > 0 || r.split > 0 || r.queue.Len() > 0 || r.barrier.up || r.listening() || r.owner.kicked {
		return 1
	}
	return uint32(max(min(missing, r.inKernel), 1))
}

// enterOwned submits todo entries and sleeps for want completions, at most until
// deadline or until the next timer is due, and from relax on for one.
func (r *Ring) enterOwned(todo, want uint32, deadline, relax ops.Instant) {
	timeout, minWait := r.sleepTimes(want, deadline, relax)
	parked := r.leaveOwned(want)
	_, err := r.u.Enter(todo, want, uring.EnterGetEvents, timeout, minWait)
	r.returnOwned(parked)
	if err != nil {
		r.retry(err)
	}
}

// leaveOwned releases mu for a system call of the owner that sleeps for want
// completions.
func (r *Ring) leaveOwned(want uint32) (parked *workers.Parked) {
	r.owner.sleeping, r.owner.batching = want > 0, want > 1
	r.stats.Enters++
	if want > 0 {
		parked = workers.Park() // a call that waits needs no worker meanwhile
	}
	r.mu.Unlock() // nobody has asked for a kick since the last one who could unlocked it
	return parked
}

// returnOwned takes mu again.
func (r *Ring) returnOwned(parked *workers.Parked) {
	r.mu.Lock()
	parked.Unpark()
	r.owner.sleeping, r.owner.batching = false, false
}

// sleepTimes returns how long the kernel may let the owner sleep, negative for
// ever, and how long for more than one completion, zero for as long.
func (r *Ring) sleepTimes(want uint32, deadline, relax ops.Instant) (timeout, minWait time.Duration) {
	wake := min(deadline, r.nextTimer())
	if want <= 1 || relax >= wake {
		relax = ops.Never
	}
	if wake == ops.Never && relax == ops.Never {
		return -1, 0
	}
	now := ops.Now()
	if relax != ops.Never {
		if r.u.Features()&uring.FeatMinTimeout == 0 {
			wake = relax
		} else {
			minWait = max(relax.Sub(now), 1)
		}
	}
	timeout = -1
	if wake != ops.Never {
		timeout = max(wake.Sub(now), 0)
	}
	return timeout, minWait
}

// pushOwned is Flush by the owner.
func (r *Ring) pushOwned() error {
	for r.broken == nil {
		todo := r.fill()
		if todo == 0 && !r.chores {
			break
		}
		r.enterOwned(todo, 0, ops.Never, ops.Never)
	}
	return r.broken
}
