package ring_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// kernelWorkers counts the threads that the kernel runs for our requests.
func kernelWorkers(t *testing.T) (n int) {
	names, err := filepath.Glob("/proc/self/task/*/comm")
	require.NoError(t, err)
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err == nil && strings.HasPrefix(string(comm), "iou-wrk") {
			n++
		}
	}
	return n
}

// Requests that block in the kernel do not each take a thread, and those that
// wait for one have their turn.
// trap 41
func TestKernelWorkersAreLimited(t *testing.T) {
	const limit, all = 3, 40
	eachMode(t, func(t *testing.T, newRing maker) {
		// A thread keeps the limit of the first Ring that it used.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		r := newRing(ring.Config{KernelWorkers: limit})
		before := kernelWorkers(t)
		var writers []int
		for range all {
			in, out := pipe(t)
			_, to := pipe(t)
			queue(t, r, ops.Splice(in, ops.Current, to, ops.Current, 1, 0))
			writers = append(writers, out)
		}
		var none [1]ops.Completion
		_, err := r.Wait(none[:], 1, 10*moment)
		require.ErrorIs(t, err, ops.ErrTimeout)
		assert.LessOrEqual(t, kernelWorkers(t)-before, limit)
		for _, out := range writers {
			_, err := unix.Write(out, []byte("x"))
			require.NoError(t, err)
		}
		for _, c := range take(t, r, all) {
			require.NoError(t, c.Err())
			require.Equal(t, 1, c.N())
		}
	})
}
