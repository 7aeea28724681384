package ring

import (
	"runtime"
	"time"

	"github.com/sluicego/sluice/ops"
)

// How often the owner of a pinned Ring yields to the Go scheduler: when this long has
// passed, looked at in one of so many Waits, or in each where these are far between.
const (
	breathAfter = 8 * time.Millisecond
	breathWaits = 32
	breathLook  = time.Millisecond // Waits further apart than this are far between
)

// breath is when the owner of a pinned Ring yields. It is the owner's alone.
type breath struct {
	waits   uint32      // begun since it looked at the clock
	between uint32      // how many make it look again
	looked  ops.Instant // when it looked
	yielded ops.Instant // when it last yielded
}

// breathe is called by the owner at the beginning of a Wait, without Ring.mu. A
// goroutine that does nothing but make system calls never goes through the scheduler.
// After 10 ms of that the runtime's monitor takes the processor (P) away from it in
// every call that lasts, looks again after 20 µs, and so on for good: thousands of
// wake-ups a second of a thread that would sleep otherwise, a tenth of what an echo
// server used. It is at rest again when the goroutine has been scheduled. Since that takes
// three wake-ups of threads, to and fro, it should not be much oftener than need be.
func (b *breath) breathe() {
	if b.waits++; b.waits < b.between {
		return
	}
	if b.due(ops.Now()) {
		runtime.Gosched()
	}
}

// due looks at the clock: it reports whether it is time to yield, and decides when to
// look again. Reading the clock is nothing beside a Wait that comes with work for
// milliseconds, and a tenth of one that comes with a request that does nothing.
func (b *breath) due(now ops.Instant) bool {
	switch since := now.Sub(b.looked); {
	case since >= breathLook:
		b.between = 1
	case since < breathLook/2 && b.between < breathWaits:
		b.between = max(2*b.between, 1)
	}
	b.waits, b.looked = 0, now
	if now.Sub(b.yielded) < breathAfter {
		return false
	}
	b.yielded = now
	return true
}
