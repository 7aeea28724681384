package ring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A timeout over a whole group ends the member that is under way, and all behind it,
// in soft and in hard chains; what was done before stays done.
func TestWithin(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for name, link := range map[string]func(...ops.Request) []ops.Request{"soft": ops.Chain, "hard": ops.HardChain} {
			rd, wr := pipe(t)
			write(t, wr, "x")
			read := ops.Read(rd, make([]byte, 1), ops.Current)
			group := link(read.WithTag(0), read.WithTag(1), read.WithTag(2), ops.Timer(patience).WithTag(3))
			const limit = 20 * moment // the first read has that long, wherever the processor is meanwhile
			before := time.Now()
			require.NoError(t, r.SubmitAll(ops.Within(limit, group), nil))
			all := byTag(t, take(t, r, 4))
			assert.GreaterOrEqual(t, time.Since(before), limit)
			assert.NoError(t, errOf(all[0]), name)
			assert.ErrorIs(t, errOf(all[1]), ops.ErrTimeout, name)
			for i := 2; i < 4; i++ {
				err := errOf(all[i])
				assert.True(t, errors.Is(err, ops.ErrTimeout) || errors.Is(err, ops.ErrCanceled), "%s %d: %v", name, i, err)
			}
		}
		group := ops.Within(patience, ops.Chain(ops.Nop(), ops.Nop().WithTimeout(time.Second)))
		assert.Equal(t, patience, group[0].Timeout)
		assert.Equal(t, time.Second, group[1].Timeout)
		require.NoError(t, r.SubmitAll(group, nil))
		for _, c := range take(t, r, 2) {
			assert.NoError(t, c.Err())
		}
		assert.ErrorIs(t, r.SubmitAll(ops.Within(0, group), nil), ops.ErrInvalid)
	})
}
