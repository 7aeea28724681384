package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A kernel worker lines its result up, and then sets the flag that says so. If
// the owner has taken the result in between, the flag stays set with nothing
// behind it, and must not keep the owner in Do or Wait.
func TestFlagWithNothingBehindIt(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	none := ops.Unlink(t.TempDir() + "/none")
	dst := make([]ops.Completion, 1)
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		for range 4 {
			queue(t, r, none)
		}
		take(t, r, 4)
		c, _ := r.Do(t.Context(), ops.Read(-1, nil, 0))
		require.Equal(t, unix.EBADF, c.Errno())
		_, err := r.Wait(dst, 1, 0)
		require.ErrorIs(t, err, ops.ErrTimeout)
	}
}
