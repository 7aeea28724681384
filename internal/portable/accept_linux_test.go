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

// Accepts that are pending on a listener without O_NONBLOCK take turns: a connection
// leaves none of them in a worker, where they would keep others out.
func TestAcceptsTakeTurns(t *testing.T) {
	eachMode(t, ring.Config{KernelWorkers: 2}, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{})) // the kernel picks a name
		require.NoError(t, unix.Listen(fd, 64))
		to, err := unix.Getsockname(fd)
		require.NoError(t, err)
		dial := func() int {
			s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			require.NoError(t, unix.Connect(s, to))
			return s
		}
		const accepts, more = 50, 3
		var open []int
		ids := make([]ops.ID, accepts)
		open = append(open, dial()) // it is there when they begin
		for i := range ids {
			ids[i] = submit(t, r, ops.Accept(fd, unix.SOCK_CLOEXEC).WithTag(i))
		}
		for i := range more {
			c := take(t, r)
			require.NoError(t, c.Err())
			assert.Equal(t, i, c.Tag, "the first comes first")
			open = append(open, c.FD())
			if i < more-1 {
				open = append(open, dial())
			}
		}
		// The two workers are free for what blocks.
		in, out := pipe(t)
		c, err := r.Do(t.Context(), ops.Write(out, []byte("x"), ops.Current))
		require.NoError(t, err)
		require.Equal(t, 1, c.N())
		for range 5 {
			c, err = r.Do(t.Context(), ops.Open("/dev/null", unix.O_RDONLY, 0))
			require.NoError(t, err)
			open = append(open, c.FD())
		}
		for i := accepts - 1; i >= more; i-- { // cancelled in any order
			require.NoError(t, r.Cancel(ids[i]))
			c := take(t, r)
			assert.Equal(t, i, c.Tag)
			assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
		closeAll(t, append(open, fd, in, out)...)
	})
}

// A listener that another has emptied meanwhile holds up its like alone.
func TestAcceptThatLosesARace(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{}))
		require.NoError(t, unix.Listen(fd, 64))
		to, err := unix.Getsockname(fd)
		require.NoError(t, err)
		open := []int{fd}
		for i := range 50 {
			s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			require.NoError(t, unix.Connect(s, to))
			id := submit(t, r, ops.Accept(fd, unix.SOCK_CLOEXEC).WithTag(i))
			require.NoError(t, unix.SetNonblock(fd, true))
			won, _, err := unix.Accept(fd) // or lost: then the request has it
			require.NoError(t, unix.SetNonblock(fd, false))
			if err == nil {
				open = append(open, won)
				require.NoError(t, r.Cancel(id))
			}
			c := take(t, r)
			if c.Err() == nil {
				open = append(open, c.FD())
			} else {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			}
			open = append(open, s)
		}
		closeAll(t, open...)
	})
}

// A receive of datagrams ends when the socket is shut down for reading, before or
// while it waits, although a call that does not wait goes on to say EAGAIN.
func TestDatagramsShutDown(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		submit(t, r, ops.Recv(fds[0], make([]byte, 1), 0))
		require.NoError(t, unix.Shutdown(fds[0], unix.SHUT_RD))
		for range 2 { // epoll knows the socket the second time
			c := take(t, r)
			require.NoError(t, c.Err())
			assert.Zero(t, c.N())
			submit(t, r, ops.Recv(fds[0], make([]byte, 1), 0))
		}
		take(t, r)
		closeAll(t, fds[:]...)
	})
}

// A listener that loses O_NONBLOCK while accepts wait, as os.File.Fd has it, does not
// block the engine.
func TestListenerBecomesBlocking(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{}))
		require.NoError(t, unix.Listen(fd, 64))
		to, err := unix.Getsockname(fd)
		require.NoError(t, err)
		blocked := time.AfterFunc(patience, func() { _ = unix.Shutdown(fd, unix.SHUT_RDWR) })
		id := submit(t, r, ops.AcceptMulti(fd, unix.SOCK_CLOEXEC))
		require.NoError(t, unix.SetNonblock(fd, false))
		open := []int{fd}
		for range 3 {
			s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			require.NoError(t, unix.Connect(s, to))
			c := take(t, r)
			require.NoError(t, c.Err())
			open = append(open, s, c.FD())
		}
		require.True(t, blocked.Stop(), "nothing hangs")
		require.NoError(t, r.Cancel(id))
		c := take(t, r)
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		closeAll(t, open...)
	})
}
