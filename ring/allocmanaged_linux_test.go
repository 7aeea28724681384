package ring_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Nor does what the Ring manages allocate: direct descriptors, buffers of a group,
// registered ones, files read in one go.
func TestNoAllocationsManaged(t *testing.T) {
	countsAllocations(t)
	needs(t, "6.2")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		a, b := socketpair(t, 0)
		client, server := tcpPair(t, 0)
		fd, path := tempFile(t, "content")
		d := direct(t, r, ops.Register(fd))
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 4, Size: 64})
		pool := bufferPool(t, r, ring.PoolConfig{})
		fixed := lend(t, pool, 100)
		defer fixed.Release()
		multi := submit(t, r, ops.RecvMulti(a, g, 0))
		var file ops.FilePath
		require.NoError(t, file.Set(path))
		buf := make([]byte, 16)
		dst := make([]ops.Completion, 4)
		start := func(req ops.Request) {
			if _, err := r.Submit(req); err != nil {
				panic(err)
			}
		}
		await := func() {
			n, err := r.Wait(dst, 1, ring.Forever)
			if err != nil || n != 1 || !dst[0].OK() {
				panic(dst[0].Err())
			}
		}
		for name, f := range map[string]func(){
			"direct":      func() { start(ops.Read(d.FD(), buf, 0)); await() },
			"recv select": func() { _, _ = unix.Write(server, buf); start(ops.RecvSelect(client, g, 0)); await(); dst[0].Release() },
			"recv multi":  func() { _, _ = unix.Write(b, buf); await(); _ = dst[0].Bytes(); dst[0].Release() },
			"read fixed":  func() { start(ops.ReadFixed(fd, fixed, 0)); await() },
			"borrow":      func() { b, _ := pool.Get(10); b.Release() },
			"read file":   func() { start(ops.ReadFilePath(unix.AT_FDCWD, &file, buf)); await() },
			"send zero-copy": func() {
				start(ops.SendZC(client, buf, 0))
				_ = r.Flush()
				_, _ = unix.Read(server, buf) // the buffer is free when it is there
				await()
			},
		} {
			for range 100 {
				f()
			}
			assert.Zero(t, testing.AllocsPerRun(100, f), name)
		}
		require.NoError(t, r.Cancel(multi))
		canceled(t, r, multi, ops.CodeRecv, onFD(a))
		do(t, r, ops.Close(d.FD()))
	})
}
