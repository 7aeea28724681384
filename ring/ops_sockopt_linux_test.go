package ring_test

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// covers: setsockopt getsockopt
func TestOpSockopt(t *testing.T) {
	needs(t, "6.7")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		value := make([]byte, 4)
		option := func(name int) int {
			c := do(t, r, ops.Getsockopt(fd, unix.SOL_SOCKET, name, value))
			require.Equal(t, 4, c.N())
			return int(int32(binary.NativeEndian.Uint32(c.Bytes())))
		}
		for name, v := range map[int]int{unix.SO_REUSEADDR: 1, unix.SO_PRIORITY: 3, unix.SO_RCVLOWAT: 7, unix.SO_KEEPALIVE: 1} {
			assert.NotEqual(t, v, option(name))
			do(t, r, ops.SetsockoptInt(fd, unix.SOL_SOCKET, name, v))
			assert.Equal(t, v, option(name))
		}
		assert.Equal(t, unix.SOCK_STREAM, option(unix.SO_TYPE))
		do(t, r, ops.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		v, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		require.NoError(t, err)
		assert.Equal(t, 1, v)

		linger := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 1), 9)
		do(t, r, ops.Setsockopt(fd, unix.SOL_SOCKET, unix.SO_LINGER, linger))
		c := do(t, r, ops.Getsockopt(fd, unix.SOL_SOCKET, unix.SO_LINGER, make([]byte, 20)))
		assert.Equal(t, linger, c.Bytes())
		assert.Len(t, do(t, r, ops.Getsockopt(fd, unix.SOL_SOCKET, unix.SO_LINGER, make([]byte, 5))).Bytes(), 5)
	})
}

func TestOpSockoptFailures(t *testing.T) {
	needs(t, "6.7")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		file, _ := tempFile(t, "")
		value := make([]byte, 4)
		fails(t, r, ops.Getsockopt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, value), syscall.EOPNOTSUPP, onFD(fd))
		fails(t, r, ops.Getsockopt(fd, unix.SOL_SOCKET, 9999, value), syscall.ENOPROTOOPT, onFD(fd))
		fails(t, r, ops.Setsockopt(fd, unix.SOL_SOCKET, unix.SO_LINGER, value), syscall.EINVAL, onFD(fd))
		fails(t, r, ops.Setsockopt(fd, unix.IPPROTO_TCP, 9999, value), syscall.ENOPROTOOPT, onFD(fd))
		fails(t, r, ops.Setsockopt(noFD, unix.SOL_SOCKET, unix.SO_LINGER, value), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.SocketInq(file), syscall.EOPNOTSUPP, onFD(file))
	})
}

// covers: SIOCINQ SIOCOUTQ
func TestOpSocketQueues(t *testing.T) {
	needs(t, "6.7")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		client, server := tcpPair(t, 0)
		assert.Zero(t, do(t, r, ops.SocketInq(server)).N())
		assert.Zero(t, do(t, r, ops.SocketOutq(client)).N())
		write(t, client, "twelve bytes")
		comes(t, func() bool { return do(t, r, ops.SocketInq(server)).N() == 12 })
		do(t, r, ops.Read(server, make([]byte, 7), ops.Current))
		assert.Equal(t, 5, do(t, r, ops.SocketInq(server)).N())
		comes(t, func() bool { return do(t, r, ops.SocketOutq(client)).N() == 0 })

		require.NoError(t, unix.SetNonblock(client, true))
		for err := error(nil); err == nil; {
			_, err = unix.Write(client, make([]byte, 1<<16))
		}
		assert.Positive(t, do(t, r, ops.SocketOutq(client)).N(), "nobody reads")
		listener, _ := listenTCP(t, 1, 0)
		fails(t, r, ops.SocketInq(listener), syscall.EINVAL, onFD(listener))
		fails(t, r, ops.SocketOutq(listener), syscall.EINVAL, onFD(listener))
	})
}

// Kernels before 6.19 have the opcode and not the command: there the ordinary system
// call stands in. (trap 43)
//
// covers: getsockname
func TestOpSocketName(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		client, server := tcpPair(t, 0)
		name := ops.UNIX("@stale")
		c := do(t, r, ops.SocketName(client, name))
		assert.Same(t, name, c.Arg)
		assert.Zero(t, c.N())
		assert.EqualValues(t, portOf(t, client), name.AddrPort().Port())
		do(t, r, ops.PeerName(server, name))
		assert.EqualValues(t, portOf(t, client), name.AddrPort().Port())
		assert.True(t, name.AddrPort().Addr().IsLoopback())
		do(t, r, ops.SocketName(server, name))
		assert.EqualValues(t, portOf(t, server), name.AddrPort().Port())

		alone := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		fails(t, r, ops.PeerName(alone, name), syscall.ENOTCONN, onFD(alone))
		fails(t, r, ops.SocketName(noFD, name), syscall.EBADF, onFD(noFD))
		file, _ := tempFile(t, "")
		_, err := try(t, r, ops.SocketName(file, name))
		assert.ErrorIs(t, err, map[bool]error{true: syscall.EOPNOTSUPP, false: syscall.ENOTSOCK}[namesNatively(r)])

		bound := do(t, r, ops.SocketName(socket(t, unix.AF_UNIX, unix.SOCK_DGRAM), name))
		assert.Equal(t, "", bound.Arg.(*ops.Sockaddr).Path(), "no name")
	})
}

func namesNatively(r *ring.Ring) bool {
	return r.Info().Operations[ops.CodeSocketName-1].Route == ring.Native
}

// Of a direct descriptor only the kernel's rings know the address.
func TestOpSocketNameOfDirect(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		client, _ := tcpPair(t, 0)
		d := do(t, r, ops.Register(client)).Direct()
		name := new(ops.Sockaddr)
		_, err := try(t, r, ops.SocketName(d.FD(), name))
		if namesNatively(r) {
			require.NoError(t, err)
			assert.EqualValues(t, portOf(t, client), name.AddrPort().Port())
		} else {
			assert.ErrorIs(t, err, syscall.EOPNOTSUPP)
		}
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Nop(), ops.SocketName(client, name)), nil))
		for range 2 {
			require.NoError(t, next(t, r).Err())
		}
		assert.EqualValues(t, portOf(t, client), name.AddrPort().Port())
	})
}

// comes waits for done, on the goroutine that owns a pinned Ring.
func comes(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(moment / 10) {
		require.True(t, time.Now().Before(end), "it did not come")
	}
}
