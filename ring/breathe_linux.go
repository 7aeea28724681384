package ring

import (
	"runtime"
	"time"

	"github.com/sluicego/sluice/ops"
)

// How often the owner of a pinned Ring yields to the Go scheduler: when this long has
// passed, looked at in one of so many Waits.
const (
	breathAfter = 5 * time.Millisecond
	breathWaits = 8
)

// breathe is called by the owner at the beginning of a Wait, without Ring.mu. A
// goroutine that does nothing but make system calls never goes through the scheduler.
// After 10 ms of that the runtime's monitor takes the processor (P) away from it in
// every call that lasts, looks again after 20 µs, and so on for good: thousands of
// wake-ups a second of a thread that would sleep otherwise, a tenth of what an echo
// server used. It is at rest again when the goroutine has been scheduled.
func (o *ownership) breathe() {
	if o.waits++; o.waits%breathWaits != 0 {
		return
	}
	if now := ops.Now(); now.Sub(o.breathed) >= breathAfter {
		runtime.Gosched()
		o.breathed = now
	}
}
