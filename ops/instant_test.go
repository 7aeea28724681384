package ops

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestInstants(t *testing.T) {
	before := Now()
	now := At(time.Now())
	after := Now()
	assert.True(t, before <= now && now <= after)
	assert.Positive(t, before)
	assert.Zero(t, At(time.Time{}))
	assert.EqualValues(t, 1, At(time.Unix(0, 0)))
	assert.Equal(t, Never, At(time.Now().AddDate(1000, 0, 0)))
	// trap 39
	assert.Equal(t, Never, now.Add(math.MaxInt64))
	assert.Equal(t, Never, Never.Add(1))
	assert.Equal(t, time.Second, now.Add(time.Second).Sub(now))
	assert.Equal(t, -time.Second, now.Add(-time.Second).Sub(now))
}

func TestSetters(t *testing.T) {
	owner := new(int)
	r := Nop().WithDeadline(time.Now().Add(time.Hour)).Keeping(owner).WithTag(7)
	assert.Greater(t, r.Deadline, Now())
	assert.Same(t, owner, r.Keep)
	assert.Equal(t, 7, r.Tag)
	assert.Zero(t, r.WithDeadline(time.Time{}).Deadline)
}

func TestChains(t *testing.T) {
	for l, f := range map[Link]func(...Request) []Request{Soft: Chain, Hard: HardChain} {
		in := []Request{Nop(), Nop(), Nop()}
		out := f(in...)
		assert.Equal(t, []Link{l, l, Unlinked}, []Link{out[0].Link, out[1].Link, out[2].Link})
		assert.Equal(t, Unlinked, in[0].Link, "the caller's requests were changed")
		assert.Equal(t, Unlinked, f(Nop())[0].Link)
		assert.Empty(t, f())
	}
}

// trap 38: a time without a monotonic reading is taken by the wall clock of this
// moment.
func TestInstantOfWallTime(t *testing.T) {
	for _, d := range []time.Duration{-time.Millisecond, time.Second, 24 * time.Hour} {
		before := Now()
		got := At(time.Now().Add(d).Round(0))
		after := Now()
		const slewed = Instant(time.Second) // should the clock be set in this very moment
		assert.InDelta(t, int64(before.Add(d)), int64(got), float64(after-before+slewed))
	}
	assert.EqualValues(t, 1, At(time.Unix(1, 0)))
	assert.Equal(t, Never, At(time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)))
	future := time.Now().Add(time.Hour)
	assert.Equal(t, future.Sub(start), time.Duration(At(future)), "exact, with a reading")
}
