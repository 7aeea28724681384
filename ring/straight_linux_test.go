package ring_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A group whose first requests are simple, and a later one is not, is taken in as a
// whole or not at all: what was done for the first is undone, also with registered
// buffers.
func TestGroupTurnsOutNotSimple(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd, _ := tempFile(t, "0123456789")
		pool := bufferPool(t, r, ring.PoolConfig{})
		b := lend(t, pool, 4)
		buf := make([]byte, 3)
		simple := []ops.Request{
			ops.Read(fd, buf, 1).WithTag("read"), ops.ReadFixed(fd, b, 2).WithTag("fixed"),
			ops.Nop().Keeping(t).WithTag("large"),
		}
		refused := append(simple[:3:3], ops.Read(fd, buf, -2))
		ids := make([]ops.ID, 4)
		require.ErrorIs(t, r.QueueAll(refused, ids), ops.ErrInvalid)
		assert.Equal(t, make([]ops.ID, 4), ids)
		assert.Zero(t, r.Stats().Pending)

		// A priority of its own, and a deadline, are for the general way.
		mixed := append(simple[:3:3], ops.Nop().WithTimeout(patience).WithTag("timed"), ops.Nop().WithPriority(ops.Low).WithTag("low"))
		for range 3 {
			require.NoError(t, r.QueueAll(mixed, nil))
			assert.Panics(t, b.Release, "a request uses it")
			got := map[any]ops.Completion{}
			for _, c := range take(t, r, len(mixed)) {
				got[c.Tag] = c
			}
			assert.Equal(t, "123", string(buf))
			fixed := got["fixed"]
			assert.Equal(t, "2345", string(fixed.Bytes()))
			require.Len(t, got, len(mixed))
		}
		require.NoError(t, r.QueueAll(simple, nil))
		take(t, r, 3)
		b.Release() // nobody holds it any more
	})
}
