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
// the timer: t is converted to the monotonic clock here.
func TimerAt(t time.Time) Request {
	return Request{Code: CodeTimer, FD: -1, Offset2: int64(At(t))}
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
