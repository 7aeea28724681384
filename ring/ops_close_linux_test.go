package ring_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpClose(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		c := do(t, r, ops.Close(fd))
		assert.Zero(t, c.N())
		assert.Equal(t, -1, c.FD())
		_, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		require.ErrorIs(t, err, syscall.EBADF)
		fails(t, r, ops.Close(fd), syscall.EBADF, onFD(fd))
		fails(t, r, ops.Close(-1), syscall.EBADF, onFD(-1))
	})
}

// The writing end that Close closed is gone for the reader too.
func TestOpCloseEndsPipe(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		var p [2]int
		require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
		id := start(t, r, ops.Read(p[0], make([]byte, 1), ops.Current))
		_, err := r.Submit(ops.Close(p[1]))
		require.NoError(t, err)
		ends := map[ops.Code]*ops.Completion{}
		for range 2 {
			c := next(t, r)
			require.NoError(t, c.Err())
			ends[c.Code] = c
		}
		assert.Equal(t, id, ends[ops.CodeRead].ID)
		assert.Zero(t, ends[ops.CodeRead].N(), "the end of the pipe")
		assert.Contains(t, ends, ops.CodeClose)
		do(t, r, ops.Close(p[0]))
	})
}

// A request in flight keeps the file of a descriptor that is closed under it: it
// neither fails, nor moves over to the next file of that number. (trap 27)
func TestOpCloseWithReadInFlight(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		var p [2]int
		require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
		own(t, p[1])
		buf := make([]byte, 10)
		id := start(t, r, ops.Read(p[0], buf, ops.Current))
		do(t, r, ops.Close(p[0]))
		otherRd, otherWr := pipe(t)
		assert.Equal(t, p[0], otherRd, "the number is free again")
		_, err := unix.Write(otherWr, []byte("other"))
		require.NoError(t, err)
		waits(t, r)
		_, err = unix.Write(p[1], []byte("mine"))
		require.NoError(t, err, "there is still a reader")
		assert.Equal(t, "mine", string(finish(t, r, id).Bytes()))
		loses(t, p[1])
		assert.Equal(t, "other", string(do(t, r, ops.Read(otherRd, buf, ops.Current)).Bytes()))
	})
}

// Cancel reaches a request whose descriptor is closed already. (trap 27)
func TestOpCloseThenCancel(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		var p [2]int
		require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
		own(t, p[1])
		id := start(t, r, ops.Read(p[0], make([]byte, 1), ops.Current))
		do(t, r, ops.Close(p[0]))
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRead, onFD(p[0]))
		loses(t, p[1])
	})
}

// loses sees that the last reader of a pipe goes. The kernel lets go of a file a
// moment after it has published the completion.
func loses(t testing.TB, wr int) {
	t.Helper()
	assert.Eventually(t, func() bool {
		_, err := unix.Write(wr, []byte("late"))
		return err == syscall.EPIPE
	}, patience, time.Millisecond)
}
