package ring_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// clockTime reads a clock of the kernel.
func clockTime(t testing.TB, clock int32) time.Duration {
	var ts unix.Timespec
	require.NoError(t, unix.ClockGettime(clock, &ts))
	return time.Duration(ts.Nano())
}

// timersOf returns a timer of each clock that is due in d, and that clock.
func timersOf(d time.Duration) map[int32]ops.Request {
	return map[int32]ops.Request{
		unix.CLOCK_MONOTONIC: ops.Timer(d),
		unix.CLOCK_BOOTTIME:  ops.BoottimeTimer(d),
		unix.CLOCK_REALTIME:  ops.RealtimeTimer(time.Now().Add(d)),
	}
}

// No timer fires before its own clock says so (trap 38).
func TestClocksNeverEarly(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, d := range []time.Duration{-time.Second, 0, 1, time.Microsecond, 900 * time.Microsecond, 5 * time.Millisecond} {
			for clock := range timersOf(0) {
				begin := clockTime(t, clock)
				submit(t, r, timersOf(d)[clock].WithTag(clock))
				c := takeOne(t, r)
				require.NoError(t, c.Err())
				require.Zero(t, c.N())
				require.Equal(t, clock, c.Tag)
				require.GreaterOrEqual(t, clockTime(t, clock)-begin, d)
			}
		}
		// Many at a time, at random places around now.
		const n = 2000
		dues := map[any]time.Duration{}
		for i := range n {
			clock := []int32{unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME, unix.CLOCK_REALTIME}[i%3]
			d := time.Duration(i*7919%n) * 10 * time.Microsecond
			dues[i] = clockTime(t, clock) + d
			queue(t, r, timersOf(d)[clock].WithTag(i))
		}
		var dst [64]ops.Completion
		for got := 0; got < n; {
			k, err := r.Wait(dst[:], 1, patience)
			require.NoError(t, err)
			for _, c := range dst[:k] {
				clock := []int32{unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME, unix.CLOCK_REALTIME}[c.Tag.(int)%3]
				require.GreaterOrEqual(t, clockTime(t, clock), dues[c.Tag])
			}
			got += k
		}
	})
}

// Do, cancel, timeouts and chains work with each clock, and one descriptor serves
// all timers of a clock.
func TestClocksLikeAnyRequest(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for clock, req := range timersOf(time.Hour) {
			ids := make([]ops.ID, 100)
			for i := range ids {
				ids[i] = submit(t, r, req.WithTag(i))
			}
			for i, id := range ids {
				require.NoError(t, r.Cancel(id))
				c := takeOne(t, r)
				require.Equal(t, i, c.Tag)
				require.ErrorIs(t, c.Err(), ops.ErrCanceled, clock)
				require.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
			}
			_, err := r.Do(t.Context(), req.WithTimeout(time.Millisecond))
			require.ErrorIs(t, err, ops.ErrTimeout)
			_, err = r.Do(t.Context(), timersOf(time.Millisecond)[clock])
			require.NoError(t, err)
			c, err := r.Do(t.Context(), timersOf(time.Millisecond)[clock].WithTimeout(time.Hour).Keeping(t).WithTag(7))
			require.NoError(t, err)
			require.Equal(t, 7, c.Tag)

			begin := clockTime(t, clock)
			require.NoError(t, r.SubmitAll(ops.Chain(ops.Nop(), timersOf(5 * time.Millisecond)[clock], ops.Nop()), nil))
			for _, c := range take(t, r, 3) {
				require.NoError(t, c.Err())
			}
			require.GreaterOrEqual(t, clockTime(t, clock)-begin, 5*time.Millisecond)
		}
		assert.Zero(t, r.Stats().Timers)
		assert.Zero(t, r.Stats().Pending)
	})
}

// trap 39
func TestClocksFarOff(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, req := range []ops.Request{
			ops.Timer(math.MaxInt64), ops.BoottimeTimer(math.MaxInt64), ops.BoottimeEvery(math.MaxInt64),
			ops.RealtimeTimer(time.Unix(math.MaxInt64/2, 0)), ops.RealtimeTimer(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)),
		} {
			submit(t, r, req)
		}
		takeNone(t, r)
		submit(t, r, ops.RealtimeTimer(time.Time{}))
		submit(t, r, ops.RealtimeTimer(time.Unix(-1, 0)))
		for _, c := range take(t, r, 2) {
			require.NoError(t, c.Err())
		}
		_, err := r.CancelAll()
		require.NoError(t, err)
		take(t, r, 5)
	})
}

// A clock cannot be had: Submit says so, and nothing was accepted.
func TestClocksWithoutDescriptors(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var old unix.Rlimit
		require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}))
		_, err := r.Submit(ops.BoottimeTimer(0))
		_, err2 := r.Submit(ops.ClockWasSet())
		err3 := r.SubmitAll([]ops.Request{ops.Nop(), ops.RealtimeTimer(time.Now())}, nil)
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
		require.ErrorIs(t, err, unix.EMFILE)
		require.ErrorIs(t, err2, unix.EMFILE)
		require.ErrorIs(t, err3, unix.EMFILE)
		assert.Zero(t, r.Stats().Pending)
		submit(t, r, ops.BoottimeTimer(0))
		takeOne(t, r)
	})
}

// The thread that armed the poll on a clock exits, and the timer fires all the same
// (trap 1).
func TestClocksOutliveTheirThread(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	onDyingThread(t, func() {
		submit(t, r, ops.BoottimeTimer(30*time.Millisecond))
		submit(t, r, ops.RealtimeTimer(time.Now().Add(30*time.Millisecond)))
	})
	take(t, r, 2)
}

// In a time namespace the monotonic and boottime clocks show other times, and
// nothing else is different (trap 38).
func TestClocksInTimeNamespace(t *testing.T) {
	if os.Getenv("SLUICE_TEST_TIMENS") != "" {
		assert.Greater(t, clockTime(t, unix.CLOCK_BOOTTIME), 100_000*time.Hour)
		assert.Greater(t, clockTime(t, unix.CLOCK_MONOTONIC), 50_000*time.Hour)
		t.Run("never early", TestClocksNeverEarly)
		t.Run("like any request", TestClocksLikeAnyRequest)
		t.Run("periodic", TestPeriodic)
		return
	}
	cmd := exec.Command("unshare", "--time", "--boottime", fmt.Sprint(100_000*3600), "--monotonic", fmt.Sprint(50_000*3600),
		"--fork", "/proc/self/exe")
	// unshare runs itself from /proc/self/exe: name the test binary instead.
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd.Args[len(cmd.Args)-1] = exe
	cmd.Args = append(cmd.Args, "-test.run", "^TestClocksInTimeNamespace$", "-test.v", "-test.count=1", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "SLUICE_TEST_TIMENS=1")
	out, err := cmd.CombinedOutput()
	if err != nil && (bytes.Contains(out, []byte("not permitted")) || bytes.Contains(out, []byte("unrecognized")) || strings.Contains(err.Error(), "not found")) {
		t.Skipf("no time namespace: %v %s", err, out)
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestClocksInTimeNamespace")
}
