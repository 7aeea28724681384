package portable

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// datagram is what entries receive.
var datagram [4]byte

// An error that a socket had is not the end of what comes in: receives after it wait
// for readiness, and not in workers, of which there are only so many.
func TestErrorsAreNotTheEnd(t *testing.T) {
	u, err := New(uring.Options{Entries: 8}, 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, u.Close()) }()
	e := u.Behind().(*Engine)
	udp := func() (fd int, at unix.Sockaddr) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		at, err = unix.Getsockname(fd)
		require.NoError(t, err)
		return fd, at
	}
	peer, at := udp()
	fd, own := udp()
	require.NoError(t, unix.Connect(fd, at))
	require.NoError(t, unix.Close(peer))
	recv := func() {
		*u.SQ.Next() = uring.SQE{Opcode: uring.OpRecv, FD: int32(fd), Addr: uint64(uintptr(unsafe.Pointer(&datagram))), Len: 4}
		_, err := u.Enter(u.SQ.Publish(), 0, uring.EnterGetEvents, 0, 0)
		require.NoError(t, err)
	}
	await := func() int32 {
		_, err := u.Enter(0, 1, uring.EnterGetEvents, -1, 0)
		require.NoError(t, err)
		res := u.CQ.At(0).Res
		u.CQ.Advance(1)
		return res
	}
	recv()
	_, err = unix.Write(fd, []byte("x"))
	require.NoError(t, err)
	require.EqualValues(t, -int32(unix.ECONNREFUSED), await())

	recv()
	e.mu.Lock()
	assert.Zero(t, e.crew.count, "workers")
	e.mu.Unlock()
	peer, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(peer, at))
	require.NoError(t, unix.Sendto(peer, []byte("here"), 0, own))
	assert.EqualValues(t, 4, await())
	require.NoError(t, unix.Close(peer))
	require.NoError(t, unix.Close(fd))
}
