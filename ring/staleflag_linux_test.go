package ring_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// When work that the kernel does for a pinned ring lines up more such work, the
// flag that says so stays set after both are done, with nothing behind it. It
// must not keep the owner in Do or Wait for ever.
func TestFlagWithNothingBehindIt(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	fd, _ := tempFile(t, "")
	dst := make([]ops.Completion, 1)
	for range 20 {
		group := ops.HardChain(ops.StatxFD(fd, 0, 0, new(unix.Statx_t)), ops.Close(noFD))
		require.NoError(t, r.SubmitAll(group, nil))
		take(t, r, len(group))
		_, err := r.Wait(dst, 1, 0)
		require.ErrorIs(t, err, ops.ErrTimeout)
		n, err := r.Wait(dst, 0, 0)
		require.NoError(t, err)
		assert.Zero(t, n)
		c, _ := r.Do(t.Context(), ops.Read(noFD, nil, 0))
		require.Equal(t, unix.EBADF, c.Errno())
	}
}
