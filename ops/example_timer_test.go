package ops_test

import (
	"fmt"
	"time"

	"github.com/sluicego/sluice/ops"
)

// Timers run on one of three clocks, once or again and again.
func Example_timers() {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, r := range []ops.Request{
		// The monotonic clock, which stands still while the machine is suspended.
		ops.Timer(time.Second), ops.TimerAt(noon),
		ops.Every(time.Minute), ops.EveryFrom(noon, time.Hour),
		// The same with the time of a suspend.
		ops.BoottimeTimer(time.Second), ops.BoottimeEvery(time.Minute),
		// The wall clock, however it is set, and a word when that happens.
		ops.RealtimeTimer(noon), ops.RealtimeEvery(noon, 24*time.Hour),
		ops.ClockWasSet(),
	} {
		fmt.Println(r.Code, r.Validate() == nil)
	}
	// Output:
	// timer true
	// timer true
	// timer true
	// timer true
	// timer true
	// timer true
	// timer true
	// timer true
	// clock watch true
}
