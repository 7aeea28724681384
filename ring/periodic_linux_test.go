package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// periodics are the kinds of periodic timers, each with the first time after which
// it counts. The wall clock is not set during tests.
var periodics = []struct {
	name string
	make func(d time.Duration) ops.Request
}{
	{"monotonic", ops.Every},
	{"from", func(d time.Duration) ops.Request { return ops.EveryFrom(time.Now().Add(d), d) }},
	{"boottime", ops.BoottimeEvery},
	{"realtime", func(d time.Duration) ops.Request { return ops.RealtimeEvery(time.Now().Add(d), d) }},
}

// A periodic timer does not drift, never comes early, and counts what was missed.
func TestPeriodic(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, kind := range periodics {
			r := newRing(ring.Config{})
			const d = 2 * time.Millisecond
			begin := time.Now()
			id := submit(t, r, kind.make(d).WithTag("tick"))
			count := 0
			for i := range 20 {
				if i%5 == 4 {
					time.Sleep(3 * d) // too late for some
				}
				c := takeOne(t, r)
				require.NoError(t, c.Err())
				require.Equal(t, id, c.ID)
				require.Equal(t, ops.CodeTimer, c.Code)
				require.True(t, c.More)
				if i%5 == 4 {
					require.GreaterOrEqual(t, c.N(), 2, kind.name)
				}
				require.Positive(t, c.N())
				count += c.N()
				require.GreaterOrEqual(t, time.Since(begin), time.Duration(count)*d, "%s: early, or counted twice", kind.name)
			}
			// All times up to now were reported, but for the one that is under way.
			late := time.Since(begin) - time.Duration(count)*d
			if late >= d {
				c := takeOne(t, r)
				count += c.N()
				assert.GreaterOrEqual(t, time.Duration(count+1)*d, late, kind.name)
			}
			require.NoError(t, r.Cancel(id))
			var c ops.Completion
			for c = takeOne(t, r); c.More; c = takeOne(t, r) {
			}
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			require.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
		}
	})
}

// Nobody takes its completions: there is one, and it counts all.
func TestPeriodicFloodsNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		id := submit(t, r, ops.Every(1))
		for range 3 {
			_, err := r.Do(t.Context(), ops.Timer(time.Millisecond))
			require.NoError(t, err)
			require.Equal(t, 1, r.Stats().Ready)
		}
		c := takeOne(t, r)
		assert.GreaterOrEqual(t, c.N(), int(3*time.Millisecond))
		assert.GreaterOrEqual(t, next(t, r).N(), 1)
		require.NoError(t, r.Cancel(id))
	})
}

// Times that had passed before Submit count.
func TestPeriodicFromThePast(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		now := time.Now()
		for _, req := range []ops.Request{
			ops.EveryFrom(now.Add(-100*time.Millisecond), 10*time.Millisecond),
			ops.RealtimeEvery(now.Add(-time.Hour), time.Minute),
		} {
			id := submit(t, r, req)
			assert.GreaterOrEqual(t, next(t, r).N(), 11)
			require.NoError(t, r.Cancel(id))
			c := next(t, r)
			for c.More { // it has rung again before
				c = next(t, r)
			}
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
	})
}

// A deadline ends the whole, and what came before is delivered before.
func TestPeriodicWithDeadline(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, kind := range periodics {
			r := newRing(ring.Config{})
			begin, count := time.Now(), 0
			// If both are due when somebody looks, the deadline may be the first: it goes by
			// another clock than some of the timers.
			for limit := 20 * time.Millisecond; count == 0 && limit < patience; limit *= 3 {
				begin = time.Now()
				submit(t, r, kind.make(time.Millisecond).WithTimeout(limit))
				c := takeOne(t, r)
				for ; c.More; c = takeOne(t, r) {
					count += c.N()
				}
				require.ErrorIs(t, c.Err(), ops.ErrTimeout, kind.name)
				assert.GreaterOrEqual(t, time.Since(begin), limit)
			}
			assert.Positive(t, count)
			submit(t, r, ops.Every(time.Hour).WithDeadline(begin))
			require.ErrorIs(t, next(t, r).Err(), ops.ErrTimeout)
			assert.Zero(t, r.Stats().Timers)
		}
	})
}

func TestPeriodicRefused(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	for _, req := range []ops.Request{
		ops.Every(0), ops.Every(-1), ops.EveryFrom(time.Now(), 0), ops.RealtimeEvery(time.Now(), 0),
		{Code: ops.CodeTimer, FD: -1, Flags: 3},
		{Code: ops.CodeTimer, FD: -1, Flags: uint32(ops.Realtime), Offset: 1},
		{Code: ops.CodeTimer, FD: -1, Flags: uint32(ops.Boottime), Offset2: 1},
		{Code: ops.CodeTimer, FD: -1, Offset2: -1},
		{Code: ops.CodeTimer, FD: -1, Mode: ops.Multishot},
		{Code: ops.CodeClockSet, FD: -1},
	} {
		_, err := r.Submit(req)
		require.ErrorIs(t, err, ops.ErrInvalid)
	}
	_, err = r.Do(t.Context(), ops.Every(1))
	require.ErrorIs(t, err, ops.ErrInvalid)
	require.ErrorIs(t, r.SubmitAll(ops.Chain(ops.Every(1), ops.Nop()), nil), ops.ErrInvalid)
	require.ErrorIs(t, r.SubmitAll(ops.Chain(ops.ClockWasSet(), ops.Nop()), nil), ops.ErrInvalid)
}

// Somebody who takes a completion and goes away leaves nothing undone that another
// one, who sleeps all the while, waits for: the next time of a periodic timer, and a
// poll that goes on.
func TestTakersLeaveNothingUndone(t *testing.T) {
	in, out := pipe(t)
	for name, req := range map[string]ops.Request{
		"monotonic": ops.Every(time.Millisecond),
		"boottime":  ops.BoottimeEvery(time.Millisecond),
		"edge":      readiness.Edge(in, readiness.In),
	} {
		r, err := ring.New(ring.Config{})
		require.NoError(t, err)
		submit(t, r, req)
		event := func() {
			if name == "edge" {
				write(t, out, "x")
			}
		}
		for range 50 {
			event()
			slept := make(chan error, 1)
			go func() {
				var dst [1]ops.Completion
				_, err := r.Wait(dst[:], 1, patience)
				slept <- err
			}()
			// Take one under the sleeper's nose, unless he is faster.
			var dst [1]ops.Completion
			for n := 0; n == 0 && len(slept) == 0; {
				n, _ = r.Wait(dst[:], 0, 0)
			}
			event()
			require.NoError(t, <-slept, name)
			for n := 1; n != 0 && name == "edge"; {
				n, _ = r.Wait(dst[:], 0, 0)
			}
		}
		closeRing(t, r)
	}
}
