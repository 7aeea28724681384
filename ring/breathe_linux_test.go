package ring

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluicego/sluice/ops"
)

func TestBreathe(t *testing.T) {
	var o ownership
	for range breathWaits - 1 {
		o.breathe()
	}
	assert.Zero(t, o.breathed, "it looks at the clock only now and then")
	before := ops.Now()
	o.breathe()
	first := o.breathed
	assert.GreaterOrEqual(t, first, before, "it yields when it has not for long")
	o.breathed = before.Add(time.Hour)
	for range breathWaits {
		o.breathe()
	}
	assert.Equal(t, before.Add(time.Hour), o.breathed, "not long ago: it goes on")
	o.breathed, o.waits = first-ops.Instant(breathAfter), math.MaxUint32
	for range breathWaits + 1 {
		o.breathe()
	}
	assert.Greater(t, o.breathed, first-ops.Instant(breathAfter), "and again after a while")
}
