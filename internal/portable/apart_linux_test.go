package portable

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// received is what entries receive; a stack would move it.
var received [4]byte

// Who goes through events may have to let go of the lock, in order to send. Others that
// look for events meanwhile do not take his away.
func TestLookWhileSending(t *testing.T) {
	from, err := New(uring.Options{Entries: 16}, 1)
	require.NoError(t, err)
	to, err := New(uring.Options{Entries: 16}, 1)
	require.NoError(t, err)
	address, drop, err := to.Duplicate()
	require.NoError(t, err)
	var fds [len(received)][2]int
	for i := range fds {
		fds[i], err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		*from.SQ.Next() = uring.SQE{Opcode: uring.OpRecv, Flags: uring.SQEFlagIOLink, FD: int32(fds[i][0]),
			Addr: uint64(uintptr(unsafe.Pointer(&received[i]))), Len: 1, UserData: uint64(i)}
		*from.SQ.Next() = uring.SQE{Opcode: uring.OpMsgRing, FD: int32(address), Addr: uring.MsgData, Off: uint64(i)}
	}
	look := func() error {
		_, err := from.Enter(from.SQ.Publish(), 0, uring.EnterGetEvents, 0, 0)
		return err
	}
	require.NoError(t, look())
	send := func(i int) {
		_, err := unix.Write(fds[i][1], []byte("x"))
		require.NoError(t, err)
	}

	other := to.Behind().(*Engine)
	other.mu.Lock() // the first one who sends waits here
	send(0)
	send(1)
	done := make(chan error)
	go func() { done <- look() }()
	for from.CQ.Ready() == 0 {
		time.Sleep(time.Millisecond)
	}
	send(2)
	send(3)
	go func() { done <- look() }()
	for from.CQ.Ready() < 2 {
		time.Sleep(time.Millisecond)
	}
	other.mu.Unlock()
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.NoError(t, look())
	assert.EqualValues(t, 2*len(fds), from.CQ.Ready(), "what was received, and sent")
	assert.EqualValues(t, len(fds), to.CQ.Ready())

	drop()
	require.NoError(t, from.Close())
	require.NoError(t, to.Close())
	for i := range fds {
		require.NoError(t, unix.Close(fds[i][0]))
		require.NoError(t, unix.Close(fds[i][1]))
	}
}
