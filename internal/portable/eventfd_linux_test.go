package portable

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// Once an eventfd is registered no more nothing is written to it: its number may be
// another file's.
func TestEventFDIsLetGo(t *testing.T) {
	u, err := New(uring.Options{Entries: 64}, 1)
	require.NoError(t, err)
	e := u.Behind().(*Engine)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8)) // threads are interrupted anywhere
	var stop atomic.Bool
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for !stop.Load() {
				e.accept(0, 0)
			}
		})
	}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		require.NoError(t, err)
		require.NoError(t, u.RegisterEventFD(int32(fd), false))
		require.NoError(t, u.UnregisterEventFD())
		other, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		require.NoError(t, err)
		require.NoError(t, unix.Dup3(other, fd, unix.O_CLOEXEC))
		var count [8]byte
		for range 20 {
			_, err = unix.Read(other, count[:])
			require.ErrorIs(t, err, unix.EAGAIN, "it was written to")
		}
		require.NoError(t, unix.Close(fd))
		require.NoError(t, unix.Close(other))
		u.CQ.Advance(u.CQ.Ready())
	}
	stop.Store(true)
	all.Wait()
	require.NoError(t, u.Close())
}
