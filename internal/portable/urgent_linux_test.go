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

// A splice that an urgent byte stops, for good and although the socket is readable, can
// be cancelled like all others.
func TestSpliceBehindUrgentByte(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		require.NoError(t, unix.Listen(l, 1))
		to, err := unix.Getsockname(l)
		require.NoError(t, err)
		a, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Connect(a, to))
		b, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		require.NoError(t, err)
		var p [2]int
		require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
		require.NoError(t, unix.Send(a, []byte("!"), unix.MSG_OOB))
		require.NoError(t, unix.Send(a, []byte("after"), 0))
		id := submit(t, r, ops.Splice(b, ops.Current, p[1], ops.Current, 64, 0))
		var c [1]ops.Completion
		_, err = r.Wait(c[:], 1, 20*time.Millisecond)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.NoError(t, r.Cancel(id))
		c[0] = take(t, r)
		assert.ErrorIs(t, c[0].Err(), ops.ErrCanceled)
		closeAll(t, l, a, b, p[0], p[1])
	})
}
