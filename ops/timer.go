package ops

import "time"

// Timer returns a request that completes with result 0 when d has passed since
// Submit, never before. A d of zero or less fires at once. The clock is the
// process's monotonic one, which stands still while the machine is suspended.
// Inside a chain the time counts from the moment that the predecessor has ended.
//
// Timers live in user space and cost the kernel nothing; inside a chain they
// are native from kernel 5.16 (io_uring_prep_timeout(3), timerfd_create(2)).
func Timer(d time.Duration) Request {
	return Request{Code: CodeTimer, FD: -1, Offset: int64(d)}
}

// TimerAt returns a request that completes with result 0 at t. A t that has
// passed, and the zero Time, fires at once. Setting the wall clock does not move
// the timer: t is converted to the monotonic clock here. Inside a chain it ends at t
// too, or when its turn comes if that is later.
func TimerAt(t time.Time) Request {
	return Request{Code: CodeTimer, FD: -1, Offset2: int64(At(t))}
}

// Every returns a request that completes again and again: the first time when d
// has passed since Submit, then each d later. The times do not drift, however late
// the completions are taken. N is the number of times since the one that was
// reported last: more than 1 if the receiver was late. There is never more than one
// completion waiting to be taken, so the shortest period floods nothing.
//
// Completions have More set, until one after Cancel, or after a Timeout or
// Deadline, which bounds the whole. A d of zero or less is refused with ErrInvalid.
func Every(d time.Duration) Request { return periodic(Monotonic, 0, d) }

// EveryFrom is Every with the first time at t. One that has passed counts: N of the
// first completion is the number of times from t on.
func EveryFrom(t time.Time, d time.Duration) Request {
	return periodic(Monotonic, max(1, At(t)), d)
}

// BoottimeTimer is Timer on a clock that goes on while the machine is suspended: a
// timer that has run out meanwhile fires when it resumes. It does not wake the
// machine.
//
// Timers of this clock and of Realtime wait in user space like others. For the
// first of each clock the Ring has one kernel timer (timerfd_create(2)); Submit
// fails with EMFILE or ENFILE where a descriptor for that is not to be had. Inside
// a chain they are native from kernel 5.16.
func BoottimeTimer(d time.Duration) Request {
	return Request{Code: CodeTimer, FD: -1, Flags: uint32(Boottime), Offset: int64(d)}
}

// BoottimeEvery is Every on the clock of BoottimeTimer: periods that ended while
// the machine was suspended count.
func BoottimeEvery(d time.Duration) Request { return periodic(Boottime, 0, d) }

// RealtimeTimer returns a request that completes with result 0 when the wall clock
// shows t or later, whether it got there by itself or was set. Monotonic readings
// in t do not count. A t before 1970 fires at once; one after 2262 never does.
//
// How it is carried out: see BoottimeTimer.
func RealtimeTimer(t time.Time) Request {
	return Request{Code: CodeTimer, FD: -1, Flags: uint32(Realtime), Offset2: int64(wall(t))}
}

// RealtimeEvery is Every on the wall clock: at t, and then each d later, such as on
// every full hour. When the clock is set forward, the times that it skipped count
// in N; when it is set back, the next time stays where it was.
func RealtimeEvery(t time.Time, d time.Duration) Request { return periodic(Realtime, wall(t), d) }

func periodic(c Clock, first Instant, d time.Duration) Request {
	if d <= 0 {
		return refuse(CodeTimer, "period %v: want more than 0", d)
	}
	return Request{
		Code: CodeTimer, Mode: Multishot, FD: -1, Flags: uint32(c),
		Offset: int64(d), Offset2: int64(first),
	}
}

func (r *Request) validateTimer() error {
	switch {
	case r.Flags >= uint32(clockEnd):
		return r.wrong("clock %d does not exist", r.Flags)
	case r.Mode&Multishot != 0 && r.Link != Unlinked:
		return r.wrong("a periodic timer has no single end for another to wait for")
	case r.Mode&Multishot != 0 && r.Offset <= 0:
		return r.wrong("period %v: want more than 0", time.Duration(r.Offset))
	case r.Offset2 < 0:
		return r.wrong("its time %d is negative", r.Offset2)
	case r.Offset2 == 0 && r.Flags == uint32(Realtime):
		return r.wrong("realtime timers have an absolute time: use RealtimeTimer")
	case r.Offset2 != 0 && r.Flags == uint32(Boottime):
		return r.wrong("boottime timers have a relative time: use BoottimeTimer")
	}
	return nil
}

func (r *Request) validateClockSet() error {
	if r.Mode&Multishot == 0 || r.Link != Unlinked || r.Flags != uint32(Realtime) {
		return r.wrong("use ClockWasSet, outside chains")
	}
	return nil
}

// Timespec is the kernel's struct __kernel_timespec: a span in seconds and
// nanoseconds, 0 to 999,999,999 of the latter. The Ring makes one, as Arg of a
// timer inside a chain, which only the kernel can start.
type Timespec struct {
	Sec  int64
	Nsec int64
}

// TimespecOf returns d as a Timespec; a negative d becomes zero.
func TimespecOf(d time.Duration) Timespec {
	d = max(d, 0)
	return Timespec{Sec: int64(d / time.Second), Nsec: int64(d % time.Second)}
}
