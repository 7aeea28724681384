package portable

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// bytes are what entries transfer; a stack would move them.
var bytes [2]byte

// A busy connection is registered once: round trips of which each waits for its
// bytes cost no epoll_ctl(2).
func TestNoControlPerRequest(t *testing.T) {
	u, err := New(uring.Options{Entries: 8}, 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, u.Close()) }()
	e := u.Behind().(*Engine)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Close(fds[0])); require.NoError(t, unix.Close(fds[1])) }()

	transfer := func(op uring.Op, fd int, at *byte) {
		sqe := u.SQ.Next()
		require.NotNil(t, sqe)
		*sqe = uring.SQE{Opcode: op, FD: int32(fd), Addr: uint64(uintptr(unsafe.Pointer(at))), Len: 1, UserData: uint64(op)}
	}
	const trips = 5000
	for range trips {
		for _, way := range [][2]int{{fds[0], fds[1]}, {fds[1], fds[0]}} {
			transfer(uring.OpRecv, way[0], &bytes[0])
			_, err := u.Enter(u.SQ.Publish(), 0, uring.EnterGetEvents, 0, 0)
			require.NoError(t, err)
			require.Zero(t, u.CQ.Ready(), "it waits")
			transfer(uring.OpSend, way[1], &bytes[1])
			_, err = u.Enter(u.SQ.Publish(), 2, uring.EnterGetEvents, -1, 0)
			require.NoError(t, err)
			require.EqualValues(t, 2, u.CQ.Ready())
			for i := range uint32(2) {
				require.EqualValues(t, 1, u.CQ.At(i).Res)
			}
			u.CQ.Advance(2)
		}
	}
	// Each end once, and once for either of them that waited through a sweep.
	assert.GreaterOrEqual(t, e.controls, 2)
	assert.LessOrEqual(t, e.controls, 10, "calls of epoll_ctl for %d round trips", trips)
}
