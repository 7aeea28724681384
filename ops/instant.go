package ops

import "time"

// Instant is a point on the process's monotonic clock, in nanoseconds since the
// program started. The zero Instant stands for "none".
//
// It does not advance while the machine is suspended (CLOCK_MONOTONIC, see
// clock_gettime(2)) and is not moved when the wall clock is set.
type Instant int64

// Never is the Instant that does not come.
const Never Instant = 1<<63 - 1

// start lies a second back, so that no Instant of this process is zero.
var start = time.Now().Add(-time.Second)

// Now returns the current Instant.
func Now() Instant { return Instant(time.Since(start)) }

// At converts t, using its monotonic reading where it has one. A t without one, such
// as one that was parsed, is as far from now as the wall clock says at this moment:
// what that was set to, or slept through, since the program started does not count.
// The zero Time becomes the zero Instant; times before the program started become the
// earliest Instant, which has long passed.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	if t == t.Round(0) { // it has no monotonic reading
		now := time.Now()
		return max(1, Instant(now.Sub(start)).Add(t.Sub(now)))
	}
	return max(1, Instant(t.Sub(start)))
}

// Add returns i+d, and Never where that would overflow.
func (i Instant) Add(d time.Duration) Instant {
	sum := i + Instant(d)
	if d > 0 && sum < i {
		return Never
	}
	return sum
}

// Sub returns the duration from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }
