package ring

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// fakeClock is a clockSource whose course the test decides. Its descriptor is an
// eventfd, which is readable while the kernel's timerfd would be.
type fakeClock struct {
	time    ops.Instant
	until   ops.Instant
	watched bool
	changed bool // the clock was set and nobody has been told
	event   int
	sets    int
}

func (f *fakeClock) now() ops.Instant { return f.time }

func (f *fakeClock) set(when ops.Instant, watch bool) (wasSet bool) {
	f.sets++
	wasSet, f.changed = f.changed && f.watched, false
	f.until, f.watched = when, watch
	f.drain()
	f.look()
	return wasSet
}

func (f *fakeClock) rang() (wasSet bool) {
	wasSet, f.changed = f.changed && f.watched, false
	f.drain()
	return wasSet
}

func (f *fakeClock) look() {
	if f.time >= f.until || f.changed && f.watched {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(f.event, one[:])
	}
}

func (f *fakeClock) drain() {
	var count [8]byte
	_, _ = unix.Read(f.event, count[:])
}

func (f *fakeClock) fd() int      { return f.event }
func (f *fakeClock) close() error { return unix.Close(f.event) }

// move sets the time of a Ring's fake clock: it passes, or jumps.
func (f *fakeClock) move(r *Ring, to time.Duration, set bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.time = ops.Instant(to)
	f.changed = f.changed || set
	f.look()
}

// eachFaked runs f in both modes with a Ring whose other clocks are fakes, which
// show an hour.
func eachFaked(t *testing.T, f func(t *testing.T, r *Ring, boot, real *fakeClock)) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		fakes := map[ops.Clock]*fakeClock{}
		newClockSource = func(which ops.Clock) (clockSource, error) {
			fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
			require.NoError(t, err)
			fakes[which] = &fakeClock{time: ops.Instant(time.Hour), until: ops.Never, event: fd}
			return fakes[which], nil
		}
		defer func() { newClockSource = newTimerfd }()
		r, err := New(cfg)
		require.NoError(t, err)
		r.mu.Lock()
		require.NoError(t, r.openClock(ops.Boottime))
		require.NoError(t, r.openClock(ops.Realtime))
		r.mu.Unlock()
		f(t, r, fakes[ops.Boottime], fakes[ops.Realtime])
		require.NoError(t, r.Close())
	})
}

// tags waits until n completions are there and no more, and returns their tags.
func tags(t *testing.T, r *Ring, n int) (all []any) {
	t.Helper()
	dst := make([]ops.Completion, n+1)
	if n > 0 {
		got, err := r.Wait(dst, n, faultPatience)
		require.NoError(t, err)
		require.Equal(t, n, got)
	}
	for _, c := range dst[:n] {
		require.NoError(t, c.Err())
		all = append(all, c.Tag)
	}
	got, err := r.Wait(dst, 1, 5*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout, "%+v", dst[:got])
	return all
}

// A suspend: the boottime clock jumps, and timers that ran out meanwhile fire, in
// order, the monotonic ones not among them (trap 38).
func TestClockJumpsOverSuspend(t *testing.T) {
	eachFaked(t, func(t *testing.T, r *Ring, boot, _ *fakeClock) {
		for i := range 10 {
			_, err := r.Submit(ops.BoottimeTimer(time.Duration(10-i) * time.Minute).WithTag(10 - i))
			require.NoError(t, err)
		}
		_, err := r.Submit(ops.Timer(5 * time.Minute).WithTag("monotonic"))
		require.NoError(t, err)
		tick, err := r.Submit(ops.BoottimeEvery(time.Minute).WithPriority(ops.Low).WithTag("tick"))
		require.NoError(t, err)
		tags(t, r, 0)
		boot.move(r, time.Hour+time.Minute-1, false)
		tags(t, r, 0)
		boot.move(r, time.Hour+5*time.Minute+30*time.Second, false)
		var dst [6]ops.Completion
		n, err := r.Wait(dst[:], 6, faultPatience)
		require.NoError(t, err)
		require.Equal(t, 6, n)
		for i, c := range dst[:5] {
			assert.Equal(t, i+1, c.Tag)
		}
		assert.Equal(t, "tick", dst[5].Tag)
		assert.Equal(t, 5, dst[5].N(), "periods that ended during the suspend count")
		require.NoError(t, r.Cancel(tick))
		n, _ = r.Wait(dst[:1], 1, faultPatience)
		require.Equal(t, 1, n)
		boot.move(r, 2*time.Hour, false)
		assert.Equal(t, []any{6, 7, 8, 9, 10}, tags(t, r, 5))
		_, err = r.CancelAll()
		require.NoError(t, err)
	})
}

// The wall clock is set forward, and back, and timers follow it: none is early,
// none is lost (trap 38).
func TestClockIsSet(t *testing.T) {
	eachFaked(t, func(t *testing.T, r *Ring, _, real *fakeClock) {
		at := func(minute int) ops.Request {
			return ops.RealtimeTimer(time.Unix(3600+60*int64(minute), 0)).WithTag(minute)
		}
		submit := func(req ops.Request) {
			_, err := r.Submit(req)
			require.NoError(t, err)
		}
		// More than Wheel.Next looks at one by one.
		for i := 1; i <= 40; i++ {
			submit(at(i))
		}
		tags(t, r, 0)
		real.move(r, time.Hour+2*time.Minute, true)
		assert.Equal(t, []any{1, 2}, tags(t, r, 2))
		real.move(r, time.Minute, true) // back by an hour
		tags(t, r, 0)
		submit(at(-50))
		submit(at(-59)) // now
		assert.Equal(t, []any{-59}, tags(t, r, 1))
		for i := range 30 {
			submit(at(-30 - i/2))
		}
		real.move(r, 9*time.Minute+59*time.Second, false)
		tags(t, r, 0)
		real.move(r, 10*time.Minute, false)
		assert.Equal(t, []any{-50}, tags(t, r, 1))
		real.move(r, time.Hour, true)
		require.Len(t, tags(t, r, 30), 30)
		real.move(r, time.Hour+3*time.Minute, false)
		assert.Equal(t, []any{3}, tags(t, r, 1))
		real.move(r, 3*time.Hour, true)
		require.Len(t, tags(t, r, 37), 37)
	})
}

// Who asked hears that the clock was set, once for all that happened until it is
// taken, and only then.
func TestClockWasSet(t *testing.T) {
	eachFaked(t, func(t *testing.T, r *Ring, _, real *fakeClock) {
		first, err := r.Submit(ops.ClockWasSet().WithTag("first"))
		require.NoError(t, err)
		tags(t, r, 0)
		real.move(r, 2*time.Hour, false) // passes
		tags(t, r, 0)
		real.move(r, time.Hour, true)
		real.move(r, 3*time.Hour, true)
		assert.Equal(t, []any{"first"}, tags(t, r, 1))
		real.move(r, time.Hour, true)
		assert.Equal(t, []any{"first"}, tags(t, r, 1))

		// While one is told, another comes, and a timer is added.
		second, err := r.Submit(ops.ClockWasSet().WithTag("second").WithPriority(ops.Low))
		require.NoError(t, err)
		tags(t, r, 0)
		real.move(r, 2*time.Hour, true)
		_, err = r.Submit(ops.RealtimeTimer(time.Unix(3*3600, 0)).WithTag("timer"))
		require.NoError(t, err)
		assert.Equal(t, []any{"first", "second"}, tags(t, r, 2))
		real.move(r, 3*time.Hour, true)
		assert.ElementsMatch(t, []any{"first", "second", "timer"}, tags(t, r, 3))

		require.NoError(t, r.Cancel(first))
		require.NoError(t, r.Cancel(second))
		var dst [2]ops.Completion
		n, err := r.Wait(dst[:], 2, faultPatience)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		for _, c := range dst {
			require.False(t, c.More)
			require.Equal(t, ops.CodeClockSet, c.Code)
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			require.Equal(t, "clock watch: canceled", c.Err().Error())
		}
		assert.False(t, real.watched)
	})
}

// The source is set as seldom as the first timer changes.
func TestClockIsSetSeldom(t *testing.T) {
	eachFaked(t, func(t *testing.T, r *Ring, boot, _ *fakeClock) {
		for i := range 10_000 {
			_, err := r.Queue(ops.BoottimeTimer(time.Minute + time.Duration(i)))
			require.NoError(t, err)
		}
		assert.Less(t, boot.sets, 5)
		_, err := r.CancelAll()
		require.NoError(t, err)
	})
}

// The kernel tells when its clock was set: here, by some microseconds.
func TestClockWasSetByKernel(t *testing.T) {
	if os.Getenv("SLUICE_TEST_SET_CLOCK") == "" {
		t.Skip("it sets the wall clock to what it shows: asked for by SLUICE_TEST_SET_CLOCK=1")
	}
	eachFaulty(t, func(t *testing.T, cfg Config) {
		r, err := New(cfg)
		require.NoError(t, err)
		_, err = r.Submit(ops.ClockWasSet().WithTag("set"))
		require.NoError(t, err)
		_, err = r.Submit(ops.RealtimeTimer(time.Now().Add(time.Hour)))
		require.NoError(t, err)
		for range 3 {
			tags(t, r, 0)
			var ts unix.Timespec
			require.NoError(t, unix.ClockGettime(unix.CLOCK_REALTIME, &ts))
			require.NoError(t, unix.ClockSettime(unix.CLOCK_REALTIME, &ts))
			assert.Equal(t, []any{"set"}, tags(t, r, 1))
		}
		require.NoError(t, r.Close())
	})
}
