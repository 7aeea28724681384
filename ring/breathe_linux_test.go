package ring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluicego/sluice/ops"
)

func TestBreathe(t *testing.T) {
	var b breath
	before := ops.Now()
	b.breathe()
	assert.GreaterOrEqual(t, b.yielded, before, "it yields when it has not for long")
	b.looked, b.waits, b.between = before.Add(time.Hour), 0, breathWaits
	for range breathWaits - 1 {
		b.breathe()
	}
	assert.Equal(t, before.Add(time.Hour), b.looked, "it looks at the clock only now and then")
	b.breathe()
	assert.Less(t, b.looked, before.Add(time.Hour))
}

// Waits at regular intervals, of which the first and the longest take as long as a
// program's work between them may.
func TestBreatheAtIntervals(t *testing.T) {
	for _, interval := range []time.Duration{300 * time.Nanosecond, 50 * time.Microsecond, time.Millisecond,
		1500 * time.Microsecond, 3 * time.Millisecond, 30 * time.Millisecond} {
		var b breath
		now := ops.Now()
		looks, waits, yielded := 0, 0, now
		for end := now.Add(200 * time.Millisecond); now < end; now = now.Add(interval) {
			waits++
			if b.waits++; b.waits < b.between {
				continue
			}
			looks++
			if b.due(now) {
				assert.LessOrEqual(t, now.Sub(yielded), breathAfter+breathLook+interval, "%v", interval)
				yielded = now
			}
		}
		assert.LessOrEqual(t, now.Sub(yielded), breathAfter+breathLook+interval, "%v: it goes on yielding", interval)
		if interval < breathLook/2/breathWaits {
			assert.InDelta(t, waits/breathWaits, looks, 6, "%v: it looks in one of %d Waits", interval, breathWaits)
		}
	}
}
