package portable_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Thousands of connections in a row, each with a wait at both ends, leave no
// descriptor, goroutine or memory behind.
func TestConnectionsLeaveNothing(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		name := filepath.Join(t.TempDir(), "socket")
		require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		require.NoError(t, unix.Listen(fd, 64))
		to := ops.UNIX(name)
		buf := make([]byte, 1)
		do := func(req ops.Request) ops.Completion {
			c, err := r.Do(context.Background(), req)
			require.NoError(t, err)
			return c
		}
		connect := func() {
			submit(t, r, ops.Accept(fd, unix.SOCK_CLOEXEC))
			c := do(ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
			client := c.FD()
			do(ops.Connect(client, to))
			c = take(t, r)
			require.NoError(t, c.Err())
			server := c.FD()
			submit(t, r, ops.Recv(server, buf, 0))
			do(ops.Send(client, []byte("x"), 0))
			c = take(t, r)
			require.Equal(t, 1, c.N())
			submit(t, r, ops.Recv(client, buf, 0))
			do(ops.Close(server))
			c = take(t, r)
			require.Zero(t, c.N(), "end of file")
			do(ops.Close(client))
		}
		count := func() (descriptors, goroutines int, heap uint64) {
			names, err := os.ReadDir("/proc/self/fd")
			require.NoError(t, err)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return len(names), runtime.NumGoroutine(), m.HeapAlloc
		}
		for range 200 {
			connect()
		}
		descriptors, goroutines, heap := count()
		connections := 10000
		if testing.Short() {
			connections = 1000
		}
		for range connections {
			connect()
		}
		d, g, h := count()
		assert.LessOrEqual(t, d, descriptors)
		assert.LessOrEqual(t, g, goroutines+2, "workers come and go")
		assert.Less(t, h, heap+1<<20, "bytes")
		closeAll(t, fd)
	})
}
