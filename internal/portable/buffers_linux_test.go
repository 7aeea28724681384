package portable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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

// A receive that waits for a full buffer keeps the one that has a part of it.
func TestPartOfABuffer(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		g, err := r.NewBufferRing(ring.BufferConfig{Buffers: 2, Size: 8})
		require.NoError(t, err)
		var pairs [2][2]int
		var none [1]ops.Completion
		for i := range pairs {
			pairs[i], err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
		}
		both := func(parts ...string) {
			for i, part := range parts {
				write(t, pairs[i][1], part)
				_, err := r.Wait(none[:], 1, 10*time.Millisecond)
				require.ErrorIs(t, err, ops.ErrTimeout)
			}
		}
		for range 3 {
			for i := range pairs {
				submit(t, r, ops.RecvSelect(pairs[i][0], g, unix.MSG_WAITALL).WithTag(i))
			}
			both("aaa", "bbb")
			write(t, pairs[1][1], "BBBBB")
			c := take(t, r)
			assert.Equal(t, 1, c.Tag)
			assert.Equal(t, "bbbBBBBB", string(c.Bytes()))
			c.Release()
			write(t, pairs[0][1], "AAAAA")
			c = take(t, r)
			assert.Equal(t, 0, c.Tag)
			assert.Equal(t, "aaaAAAAA", string(c.Bytes()))
			c.Release()
		}
		id := submit(t, r, ops.RecvSelect(pairs[0][0], g, unix.MSG_WAITALL))
		both("cc")
		require.NoError(t, r.Cancel(id))
		c := take(t, r)
		require.NoError(t, c.Err())
		assert.Equal(t, "cc", string(c.Bytes()))
		c.Release()
		closeAll(t, pairs[0][0], pairs[0][1], pairs[1][0], pairs[1][1])
	})
}
