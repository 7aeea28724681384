package ops

import (
	"fmt"
	"time"
)

// Clock is what a timer goes by: see clock_gettime(2).
type Clock uint8

const (
	// Monotonic is the clock of Instant: it stands still while the machine is
	// suspended, and is not moved when the wall clock is set.
	Monotonic Clock = iota
	// Boottime is Monotonic, and goes on while the machine is suspended.
	Boottime
	// Realtime is the wall clock, which can be set.
	Realtime
	clockEnd
)

// String returns "monotonic", "boottime" or "realtime".
func (c Clock) String() string {
	switch c {
	case Monotonic:
		return "monotonic"
	case Boottime:
		return "boottime"
	case Realtime:
		return "realtime"
	}
	return fmt.Sprintf("clock(%d)", uint8(c))
}

// TimerClock returns the clock of a timer request.
func (r *Request) TimerClock() Clock { return Clock(r.Flags) }

// ClockWasSet returns a request that completes each time that the wall clock is
// set: by clock_settime(2), by a step of adjtimex(2), or at the end of a suspend.
// Slewing the clock does not count. Completions have More set and N 1; what happens
// before one is taken is part of it. Look at time.Now again when it comes. The
// request goes on until Cancel.
//
// The kernel reports it through a timer descriptor (timerfd_create(2),
// TFD_TIMER_CANCEL_ON_SET, kernel 3.0), one for all such requests and realtime
// timers of a Ring. Submit fails with EMFILE or ENFILE where descriptors are short.
func ClockWasSet() Request {
	return Request{Code: CodeClockSet, Mode: Multishot, FD: -1, Flags: uint32(Realtime)}
}

// wall returns t in nanoseconds since 1970, as absolute realtime timers carry it:
// at least 1, since 0 stands for "none", and Never where that overflows.
func wall(t time.Time) Instant {
	switch {
	case t.Unix() < 0:
		return 1
	case t.Unix() >= int64(Never)/int64(time.Second):
		return Never
	}
	return max(1, Instant(t.UnixNano()))
}
