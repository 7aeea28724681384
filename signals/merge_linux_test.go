package signals_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// trap 33: standard signals merge where the kernel merges them: those that wait at a thread
// which blocks them become one. Those that a thread has taken do not merge on the
// way to a watch, however many there are before it is read.
func TestStandardSignalsMergeAsInTheKernel(t *testing.T) {
	needNative(t)
	const n = 1000
	const sig = syscall.SIGUSR1
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, room := manyTaken(t, sig, n)
	for began := time.Now(); !room; r, room = manyTaken(t, sig, n) {
		require.NoError(t, r.Close())
		require.Less(t, time.Since(began), time.Minute, "other processes of this user queue too many signals")
		time.Sleep(50 * time.Millisecond)
	}
	for range n {
		require.Equal(t, sig, nextSignal(t, r).Signo)
	}
	quiet(t, r)

	var set, old unix.Sigset_t
	set.Val[0] = 1 << (sig - 1)
	for range 20 {
		require.NoError(t, unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old))
		for range 50 {
			require.NoError(t, unix.Tgkill(self, unix.Gettid(), sig))
		}
		require.NoError(t, unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil))
		require.Equal(t, sig, nextSignal(t, r).Signo)
	}
	quiet(t, r)
}

// manyTaken watches sig, sends it to its own thread n times, each of which is taken when
// the call returns, and reports whether there was room for them all on their way: the
// queue is the user's, other processes' floods fill it too, and beyond RLIMIT_SIGPENDING
// even these merge.
func manyTaken(t *testing.T, sig syscall.Signal, n int) (r *ring.Ring, room bool) {
	r = newRing(t)
	submit(t, r, signals.Watch(sig))
	room = true
	for i := range n {
		require.NoError(t, unix.Tgkill(self, unix.Gettid(), sig))
		room = room && (i%50 != 0 || halfEmpty(t))
	}
	return r, room && halfEmpty(t)
}

// halfEmpty reports whether the user's processes have queued less than half of what
// RLIMIT_SIGPENDING allows.
func halfEmpty(t *testing.T) bool {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, line, _ := bytes.Cut(status, []byte("SigQ:"))
	var queued, limit int
	_, err = fmt.Sscanf(string(line), "%d/%d", &queued, &limit)
	require.NoError(t, err)
	return queued < limit/2
}
