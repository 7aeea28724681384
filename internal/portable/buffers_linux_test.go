package portable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A read for a worker that finds no buffer has not begun to use its file: a close
// does not wait for it.
func TestCloseBehindStarvedRead(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		p, err := r.RegisterPersonality()
		require.NoError(t, err)
		g, err := r.NewBufferRing(ring.BufferConfig{Buffers: 1, Size: 64})
		require.NoError(t, err)
		c, err := r.Do(t.Context(), ops.Open("/proc/self/exe", 0, 0))
		require.NoError(t, err)
		fd := c.FD()
		read := ops.ReadSelect(fd, g, 0).WithPersonality(p)
		submit(t, r, read)
		first := take(t, r)
		require.NoError(t, first.Err())
		submit(t, r, read)
		var none [1]ops.Completion
		_, err = r.Wait(none[:], 1, 10*time.Millisecond)
		require.ErrorIs(t, err, ops.ErrTimeout, "it waits for a buffer")
		first.Release()
		second := take(t, r)
		require.NoError(t, second.Err())
		second.Release()
		submit(t, r, ops.Close(fd))
		c = take(t, r)
		assert.NoError(t, c.Err())
	})
}
