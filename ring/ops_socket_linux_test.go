package ring_test

import (
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpSocket(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, c := range []struct{ domain, typ, proto int }{
			{unix.AF_INET, unix.SOCK_STREAM, 0},
			{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP},
			{unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP},
			{unix.AF_UNIX, unix.SOCK_STREAM, 0},
			{unix.AF_UNIX, unix.SOCK_SEQPACKET | unix.SOCK_NONBLOCK, 0},
			{unix.AF_UNIX, unix.SOCK_DGRAM, 0},
			{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP},
			{unix.AF_UNIX, unix.SOCK_STREAM, 99},
			{unix.AF_INET, 77, 0},
			{200, unix.SOCK_STREAM, 0},
		} {
			want, err := unix.Socket(c.domain, c.typ|unix.SOCK_CLOEXEC, c.proto)
			req := ops.Socket(c.domain, c.typ, c.proto)
			if errno, bad := err.(syscall.Errno); bad {
				fails(t, r, req, errno, "")
				continue
			}
			got := do(t, r, req).FD()
			for _, opt := range []int{unix.SO_DOMAIN, unix.SO_TYPE, unix.SO_PROTOCOL} {
				assert.Equal(t, sockopt(t, want, opt), sockopt(t, got, opt), "%+v", c)
			}
			for _, what := range []int{unix.F_GETFL, unix.F_GETFD} {
				assert.Equal(t, fcntl(t, want, what), fcntl(t, got, what), "%+v", c)
			}
			do(t, r, ops.Close(got))
			require.NoError(t, unix.Close(want))
		}
		fd := own(t, do(t, r, ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0).Inheritable()).FD())
		assert.Zero(t, fcntl(t, fd, unix.F_GETFD))
	})
}

func sockopt(t testing.TB, fd, opt int) int {
	t.Helper()
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, opt)
	require.NoError(t, err)
	return v
}

func TestOpConnect(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, port := listenTCP(t, 8, 0)
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|flags)
			c := do(t, r, ops.Connect(fd, loopback(port)))
			assert.Zero(t, c.N())
			peer, err := unix.Getpeername(fd)
			require.NoError(t, err)
			assert.Equal(t, port, peer.(*unix.SockaddrInet4).Port)
			fails(t, r, ops.Connect(fd, loopback(port)), syscall.EISCONN, loopback(port).String())
		}

		_, addr := listenUNIX(t, 8)
		stream := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		do(t, r, ops.Connect(stream, addr))

		receiver, port := bound(t, unix.SOCK_DGRAM)
		dgram := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
		do(t, r, ops.Connect(dgram, loopback(port)))
		do(t, r, ops.Send(dgram, []byte("datagram"), 0))
		assert.Equal(t, "datagram", string(do(t, r, ops.Recv(receiver, make([]byte, 10), 0)).Bytes()))
	})
}

func TestOpConnectIPv6(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener := socket(t, unix.AF_INET6, unix.SOCK_STREAM)
		if err := unix.Bind(listener, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}); err != nil {
			t.Skipf("no IPv6 here: %v", err)
		}
		require.NoError(t, unix.Listen(listener, 1))
		name, err := unix.Getsockname(listener)
		require.NoError(t, err)
		to := netip.AddrPortFrom(netip.IPv6Loopback(), uint16(name.(*unix.SockaddrInet6).Port))
		client := socket(t, unix.AF_INET6, unix.SOCK_STREAM)
		do(t, r, ops.Connect(client, ops.Inet(to)))
		peer := new(ops.Sockaddr)
		own(t, do(t, r, ops.AcceptAddr(listener, 0, peer)).FD())
		name, err = unix.Getsockname(client)
		require.NoError(t, err)
		assert.Equal(t, netip.AddrPortFrom(netip.IPv6Loopback(), uint16(name.(*unix.SockaddrInet6).Port)), peer.AddrPort())
	})
}

func TestOpConnectFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, port := bound(t, unix.SOCK_STREAM) // but nobody listens
		to := loopback(port)
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|flags)
			fails(t, r, ops.Connect(fd, to), syscall.ECONNREFUSED, to.AddrPort().String())
		}
		fd := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		path := t.TempDir() + "/socket"
		fails(t, r, ops.Connect(fd, ops.UNIX(path)), syscall.ENOENT, path)
		_, err := try(t, r, ops.Connect(fd, ops.UNIX(path)))
		assert.ErrorIs(t, err, os.ErrNotExist)
		fails(t, r, ops.Connect(fd, ops.UNIX("@sluice-nobody")), syscall.ECONNREFUSED, "@sluice-nobody")
		fails(t, r, ops.Connect(fd, to), syscall.EINVAL, to.String())
		_, file := tempFile(t, "")
		fails(t, r, ops.Connect(fd, ops.UNIX(file)), syscall.ECONNREFUSED, file)
		rd, _ := pipe(t)
		fails(t, r, ops.Connect(rd, to), syscall.ENOTSOCK, to.String())
		fails(t, r, ops.Connect(noFD, to), syscall.EBADF, to.String())
		for _, bad := range []*ops.Sockaddr{nil, {}, ops.UNIX(""), ops.Inet(netip.AddrPort{})} {
			_, err := r.Submit(ops.Connect(fd, bad))
			assert.ErrorIs(t, err, ops.ErrInvalid)
			assert.Contains(t, err.Error(), "connect: ")
		}
	})
}

// A connect to a listener whose queue is full stays under way until it is
// cancelled, or the queue moves.
func TestOpConnectCancel(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, port := listenTCP(t, 0, 0)
		dialTCP(t, port) // fills the queue: the next SYN is dropped
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|flags)
			cancels(t, r, ops.Connect(fd, loopback(port)), loopback(port).String())
		}

		listener, addr := listenUNIX(t, 0)
		do(t, r, ops.Connect(socket(t, unix.AF_UNIX, unix.SOCK_STREAM), addr))
		fd := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		cancels(t, r, ops.Connect(fd, addr), addr.String())
		id := start(t, r, ops.Connect(fd, addr))
		own(t, acceptPlain(t, listener))
		finish(t, r, id)
		own(t, acceptPlain(t, listener))

		// There is nothing that a non-blocking one could wait for: see ops.Connect.
		do(t, r, ops.Connect(socket(t, unix.AF_UNIX, unix.SOCK_STREAM), addr))
		fd = socket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
		fails(t, r, ops.Connect(fd, addr), syscall.EAGAIN, addr.String())
	})
}

func acceptPlain(t testing.TB, listener int) int {
	t.Helper()
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	require.NoError(t, err)
	return fd
}

// A connect's timeout ends it like a cancel, and says so.
func TestOpConnectTimeout(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, port := listenTCP(t, 0, 0)
		dialTCP(t, port)
		fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		_, err := try(t, r, ops.Connect(fd, loopback(port)).WithTimeout(moment))
		explains(t, err, ops.CodeConnect, loopback(port).String(), ops.ErrTimeout)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}
