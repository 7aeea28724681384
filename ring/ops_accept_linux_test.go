package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpAccept(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			listener, port := listenTCP(t, 8, flags)
			client := dialTCP(t, port)
			peer := ops.UNIX("/a/path/of/an/earlier/use")
			c := do(t, r, ops.AcceptAddr(listener, 0, peer))
			fd := own(t, c.FD())
			assert.Same(t, peer, c.Arg)
			assert.EqualValues(t, portOf(t, client), peer.AddrPort().Port())
			assert.Equal(t, "127.0.0.1", peer.AddrPort().Addr().String())
			assert.Equal(t, unix.FD_CLOEXEC, fcntl(t, fd, unix.F_GETFD))
			assert.Zero(t, fcntl(t, fd, unix.F_GETFL)&unix.O_NONBLOCK)
			write(t, client, "hello")
			assert.Equal(t, "hello", string(do(t, r, ops.Recv(fd, make([]byte, 10), 0)).Bytes()))

			// Now the accept comes first.
			id := start(t, r, ops.Accept(listener, unix.SOCK_NONBLOCK).Inheritable())
			client = dialTCP(t, port)
			fd = own(t, finish(t, r, id).FD())
			assert.Equal(t, portOf(t, client), peerPort(t, fd))
			assert.Zero(t, fcntl(t, fd, unix.F_GETFD))
			assert.NotZero(t, fcntl(t, fd, unix.F_GETFL)&unix.O_NONBLOCK)
			cancels(t, r, ops.Accept(listener, 0), onFD(listener))
			cancels(t, r, ops.AcceptAddr(listener, 0, peer), onFD(listener))
		}
	})
}

func peerPort(t testing.TB, fd int) int {
	t.Helper()
	peer, err := unix.Getpeername(fd)
	require.NoError(t, err)
	return peer.(*unix.SockaddrInet4).Port
}

func TestOpAcceptUNIX(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, addr := listenUNIX(t, 8)
		client := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		require.NoError(t, unix.Bind(client, &unix.SockaddrUnix{Name: addr.Path() + "-client"}))
		do(t, r, ops.Connect(client, addr))
		do(t, r, ops.Connect(socket(t, unix.AF_UNIX, unix.SOCK_STREAM), addr))
		peer := new(ops.Sockaddr)
		own(t, do(t, r, ops.AcceptAddr(listener, 0, peer)).FD())
		assert.Equal(t, addr.Path()+"-client", peer.Path())
		own(t, do(t, r, ops.AcceptAddr(listener, 0, peer)).FD())
		assert.Equal(t, unix.AF_UNIX, peer.Family())
		assert.Empty(t, peer.Path(), "that client has no name")
	})
}

func TestOpAcceptPollFirst(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, port := listenTCP(t, 8, 0)
		cancels(t, r, ops.Accept(listener, 0).WithPollFirst(), onFD(listener))
		dialTCP(t, port)
		own(t, do(t, r, ops.Accept(listener, 0).WithPollFirst()).FD())
	})
}

func TestOpAcceptFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		idle, _ := bound(t, unix.SOCK_STREAM)
		dgram, _ := bound(t, unix.SOCK_DGRAM)
		rd, _ := pipe(t)
		fails(t, r, ops.Accept(idle, 0), syscall.EINVAL, onFD(idle))
		fails(t, r, ops.Accept(dgram, 0), syscall.EOPNOTSUPP, onFD(dgram))
		fails(t, r, ops.Accept(rd, 0), syscall.ENOTSOCK, onFD(rd))
		fails(t, r, ops.Accept(noFD, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Accept(idle, 1<<30), syscall.EINVAL, onFD(idle))
		_, err := r.Submit(ops.AcceptAddr(idle, 0, nil))
		assert.ErrorIs(t, err, ops.ErrInvalid)

		listener, _ := listenTCP(t, 1, 0)
		id := start(t, r, ops.Accept(listener, 0))
		require.NoError(t, unix.Shutdown(listener, unix.SHUT_RDWR))
		c := next(t, r)
		assert.Equal(t, id, c.ID)
		explains(t, c.Err(), ops.CodeAccept, onFD(listener), syscall.EINVAL)
	})
}

// One request accepts many clients: those already there, and those that come.
func TestOpAcceptMulti(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			const clients = 100
			listener, port := listenTCP(t, 2*clients, flags)
			var wants []int
			for range clients / 2 {
				wants = append(wants, portOf(t, dialTCP(t, port)))
			}
			id, err := r.Submit(ops.AcceptMulti(listener, unix.SOCK_NONBLOCK).WithTag("multi"))
			require.NoError(t, err)
			for range clients / 2 {
				wants = append(wants, portOf(t, dialTCP(t, port)))
			}
			var got []int
			for range clients {
				c := next(t, r)
				require.NoError(t, c.Err())
				require.True(t, c.More)
				require.Equal(t, id, c.ID)
				require.Equal(t, "multi", c.Tag)
				got = append(got, peerPort(t, c.FD()))
				assert.Equal(t, unix.FD_CLOEXEC, fcntl(t, c.FD(), unix.F_GETFD))
				assert.NotZero(t, fcntl(t, c.FD(), unix.F_GETFL)&unix.O_NONBLOCK)
				require.NoError(t, unix.Close(c.FD()))
			}
			assert.ElementsMatch(t, wants, got)
			waits(t, r)
			require.NoError(t, r.Cancel(id))
			canceled(t, r, id, ops.CodeAccept, onFD(listener))
			_ = dialTCP(t, port)
			waits(t, r)
			own(t, acceptPlain(t, listener))
		}
	})
}

// An error ends a multishot accept with a completion without More.
func TestOpAcceptMultiEnds(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, _ := listenTCP(t, 1, 0)
		id := start(t, r, ops.AcceptMulti(listener, 0))
		require.NoError(t, unix.Shutdown(listener, unix.SHUT_RDWR))
		c := next(t, r)
		assert.Equal(t, id, c.ID)
		assert.False(t, c.More)
		explains(t, c.Err(), ops.CodeAccept, onFD(listener), syscall.EINVAL)
		waits(t, r)
		_, err := r.Do(t.Context(), ops.AcceptMulti(listener, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// Whether an accept or its cancel wins, no connection and no descriptor is lost.
// (trap 24)
func TestOpAcceptCancelRace(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, port := listenTCP(t, 1, 0)
		won := 0
		for range 100 {
			id, err := r.Submit(ops.Accept(listener, 0))
			require.NoError(t, err)
			connected := make(chan error, 1)
			client := socket(t, unix.AF_INET, unix.SOCK_STREAM)
			go func() {
				connected <- unix.Connect(client, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
			}()
			_ = r.Cancel(id) // ErrNotFound: it is done
			c := next(t, r)
			require.NoError(t, <-connected)
			fd := c.FD()
			if fd >= 0 {
				won++
			} else {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				fd = acceptPlain(t, listener)
			}
			assert.Equal(t, portOf(t, client), peerPort(t, fd))
			require.NoError(t, unix.Close(fd))
		}
		t.Logf("the accept won %d of 100 times", won)
	})
}
