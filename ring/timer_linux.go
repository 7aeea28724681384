package ring

import (
	"fmt"
	"math"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

const ecanceled = -int32(syscall.ECANCELED)

// timer is a pending timer request, or the guard of one. It takes a third of a slot,
// since there may be millions; those inside chains are the kernel's, and have slots.
// Its life:
//
//	accept -> armed -> done -> (taken: it is free)
//
// and a periodic one goes from armed to told each time that it fires, and back
// when that is taken.
type timer = timers.Timer[timerExtra]

// The bits of a timer's State. The lowest say where it is.
const (
	armed   uint8 = iota + 1 // in the wheel of its clock
	guard                    // in the wheel of the monotonic clock: ends another timer
	watcher                  // in clock.watchers
	told                     // periodic: its completion waits to be taken
	done                     // its terminal completion waits to be taken

	stateMask uint8 = 15

	clockShift = 4 // two bits: its ops.Clock
	causeShift = 6 // two bits: the ops.Cause of its end
)

func stateOf(t *timer) uint8     { return t.State() & stateMask }
func clockOf(t *timer) ops.Clock { return ops.Clock(t.State() >> clockShift & 3) }
func causeOf(t *timer) ops.Cause { return ops.Cause(t.State() >> causeShift) }

func setState(t *timer, state uint8) { t.SetState(t.State()&^stateMask | state) }
func setClock(t *timer, c ops.Clock) { t.SetState(t.State()&^(3<<clockShift) | uint8(c)<<clockShift) }
func finish(t *timer, cause ops.Cause) {
	t.SetState(t.State()&^stateMask | done | uint8(cause)<<causeShift)
}

// timerExtra is what few timers have.
type timerExtra struct {
	waiter *waiter       // the Do that waits for it
	keep   any           // Request.Keep
	arg    any           // Request.Arg
	period time.Duration // of a periodic one
	due    ops.Instant   // of a told one: its next time
	watch  bool          // it is an ops.ClockWasSet
	guard  uint64        // the timer that ends this one, for its Timeout or Deadline
	target uint64        // of a guard: the timer that it ends
}

// timekeeping is a Ring's timers.
type timekeeping struct {
	set    timers.Set[timerExtra]
	wheel  *timers.Wheel[timerExtra] // those of the monotonic clock; nil before the first
	clocks [2]*clock                 // boottime and realtime, nil before the first use
	guards int                       // timers in set that are guards
	fire   func(uint64, *timer)      // Ring.fireTimer
}

func isTimer(req *ops.Request) bool {
	return req.Code == ops.CodeTimer || req.Code == ops.CodeClockSet
}

// submitTimer takes in a single timer, if there is room.
func (r *Ring) submitTimer(req *ops.Request, w *waiter) (uint64, error) {
	err := r.openClock(req.TimerClock())
	if r.room() == 0 || r.roomForTimers() == 0 {
		err = ops.ErrFull
	}
	if err != nil {
		return 0, fmt.Errorf("submit %s: %w", req.Code, err)
	}
	return r.acceptTimer(req, w), nil
}

// acceptTimer takes in a timer that is no part of a chain. There is room for it.
func (r *Ring) acceptTimer(req *ops.Request, w *waiter) uint64 {
	r.noteLevel(req.Priority)
	t, id := r.time.set.Alloc()
	t.SetPriority(req.Priority)
	setClock(t, req.TimerClock())
	if req.Tag != nil {
		r.time.set.SetTag(id, req.Tag)
	}
	r.stats.Submitted++
	if w != nil {
		r.doing++
	}
	periodic := req.Mode&ops.Multishot != 0
	if periodic || w != nil || req.Keep != nil || req.Arg != nil {
		t.Extra = &timerExtra{waiter: w, keep: req.Keep, arg: req.Arg}
		if periodic {
			t.Extra.period = time.Duration(req.Offset)
		}
	}
	if req.Timeout != 0 || req.Deadline != 0 {
		r.setGuard(id, t, limitOf(req))
	}
	if req.Code == ops.CodeClockSet {
		t.Extra.watch = true
		r.watchClock(id, t)
		return id
	}
	setState(t, armed)
	r.armTimer(id, t, r.dueAt(req))
	return id
}

// limitOf returns the earlier of the request's Timeout and Deadline, one of which
// it has.
func limitOf(req *ops.Request) ops.Instant {
	limit := req.Deadline
	if req.Timeout != 0 {
		if t := ops.Now().Add(req.Timeout); limit == 0 || t < limit {
			limit = t
		}
	}
	return limit
}

// dueAt returns when a timer request fires first, on its own clock.
func (r *Ring) dueAt(req *ops.Request) ops.Instant {
	if req.Offset2 != 0 {
		return ops.Instant(req.Offset2)
	}
	return r.clockNow(req.TimerClock()).Add(time.Duration(req.Offset))
}

// armTimer enters a timer in the wheel of its clock.
func (r *Ring) armTimer(id uint64, t *timer, when ops.Instant) {
	if c := clockOf(t); c != ops.Monotonic {
		r.time.clocks[c-1].add(r, id, when)
		return
	}
	if r.time.wheel == nil {
		r.time.wheel = timers.NewWheel(&r.time.set, ops.Now())
	}
	r.time.wheel.Add(id, when)
	r.hurry(when)
}

// disarmTimer takes a timer out of its wheel, if it is there.
func (r *Ring) disarmTimer(id uint64, t *timer) {
	if c := clockOf(t); c != ops.Monotonic {
		r.time.clocks[c-1].wheel.Remove(id)
	} else {
		r.time.wheel.Remove(id)
	}
}

// setGuard gives a timer the time at which it is cancelled: another timer.
func (r *Ring) setGuard(id uint64, t *timer, limit ops.Instant) {
	if t.Extra == nil {
		t.Extra = &timerExtra{}
	}
	g, guardID := r.time.set.Alloc()
	setState(g, guard)
	g.Extra = &timerExtra{target: id}
	t.Extra.guard = guardID
	r.time.guards++
	r.armTimer(guardID, g, limit)
}

// dropGuard ends the guard that a timer may have.
func (r *Ring) dropGuard(t *timer) {
	if t.Extra == nil || t.Extra.guard == 0 {
		return
	}
	r.time.wheel.Remove(t.Extra.guard)
	r.time.set.Free(t.Extra.guard)
	r.time.guards--
	t.Extra.guard = 0
}

// fireTimer is called for each timer that is due.
func (r *Ring) fireTimer(id uint64, t *timer) {
	switch {
	case stateOf(t) == guard:
		target := t.Extra.target
		r.cancelTimer(target, r.time.set.Get(target), ops.ByTimeout)
	case t.Extra != nil && t.Extra.period != 0:
		setState(t, told)
		t.Extra.due = t.When().Add(t.Extra.period)
		r.ready.Push(t.Priority(), arrival{id, 1, uring.CQEFlagMore})
	default:
		r.finishTimer(id, t, 0, ops.NoCause)
	}
}

// cancelTimer ends a timer. It reports false if that has ended already.
func (r *Ring) cancelTimer(id uint64, t *timer, cause ops.Cause) bool {
	switch stateOf(t) {
	case done, guard:
		return false
	case armed:
		r.disarmTimer(id, t)
	case watcher:
		r.time.clocks[clockOf(t)-1].unwatch(r, id)
	}
	r.finishTimer(id, t, ecanceled, cause)
	return true
}

// cancelPlain is cancelTimer for the usual one, without an extra and of the monotonic
// clock, by its name. It reports false if it is none of these.
func (r *Ring) cancelPlain(id uint64, cause ops.Cause) bool {
	t := r.time.set.Slot(id)
	if t == nil || !t.Is(id, armed) {
		return false
	}
	r.time.wheel.Leave(t, armed, done|uint8(cause)<<causeShift)
	r.ready.Push(t.Priority(), arrival{id, ecanceled, 0})
	return true
}

// cancelTimers ends all timers and returns their number.
func (r *Ring) cancelTimers(cause ops.Cause) (n int) {
	for id, t := range r.time.set.All {
		if r.cancelPlain(id, cause) || r.cancelTimer(id, t, cause) {
			n++
		}
	}
	return n
}

// finishTimer makes the terminal completion of a timer, which is in no wheel,
// available to whom it belongs.
func (r *Ring) finishTimer(id uint64, t *timer, res int32, cause ops.Cause) {
	r.dropGuard(t)
	finish(t, cause)
	a := arrival{id, res, 0}
	if t.Extra == nil || t.Extra.waiter == nil {
		r.ready.Push(t.Priority(), a)
		return
	}
	w := t.Extra.waiter
	r.takeTimer(&w.c, &a)
	w.done = true
	r.doing--
	r.rouse(w)
}

// takeTimer writes out what the user sees of an arrival of a timer, which goes on
// or is free afterwards.
func (r *Ring) takeTimer(c *ops.Completion, a *arrival) {
	t := r.time.set.Get(a.id)
	*c = ops.Completion{
		ID: ops.ID(a.id), Tag: r.time.set.Tag(a.id), Code: ops.CodeTimer, Priority: t.Priority(),
		More: a.more(), Target: -1, Res: a.res,
	}
	if t.Extra != nil {
		c.Arg = t.Extra.arg
		if t.Extra.watch {
			c.Code = ops.CodeClockSet
		}
	}
	if a.res == ecanceled {
		c.Cause = causeOf(t)
	}
	switch {
	case !a.more():
		if r.time.wheel != nil {
			r.time.wheel.Forget(a.id)
		}
		r.time.set.Free(a.id)
		r.stats.Completed++
	case stateOf(t) != told:
		// It was cancelled meanwhile, and its end comes next.
	case t.Extra.watch:
		r.watchClock(a.id, t)
	default:
		c.Res = r.nextPeriod(a.id, t)
	}
}

// nextPeriod arms a periodic timer for its next time, and returns how many times have
// come since it fired, that one included.
func (r *Ring) nextPeriod(id uint64, t *timer) int32 {
	n, due := int64(1), t.Extra.due
	if late := r.clockNow(clockOf(t)).Sub(due); late >= 0 {
		missed := int64(late/t.Extra.period) + 1
		n += missed
		due = due.Add(time.Duration(missed) * t.Extra.period)
	}
	setState(t, armed)
	r.armTimer(id, t, due)
	return int32(min(n, math.MaxInt32))
}
