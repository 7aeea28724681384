package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A pending timer is moved to another time, sooner, later, or to another clock.
func TestUpdateTimer(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for clock, req := range timersOf(time.Hour) {
			id := submit(t, r, req.WithTag(clock))
			for other := range timersOf(0) {
				require.NoError(t, r.UpdateTimer(id, timersOf(30 * time.Minute)[other]))
				takeNone(t, r)
				begin := clockTime(t, other)
				require.NoError(t, r.UpdateTimer(id, timersOf(5 * time.Millisecond)[other]))
				c := takeOne(t, r)
				require.NoError(t, c.Err())
				require.Equal(t, clock, c.Tag)
				require.GreaterOrEqual(t, clockTime(t, other)-begin, 5*time.Millisecond)
				require.ErrorIs(t, r.UpdateTimer(id, ops.Timer(0)), ops.ErrNotFound)
				id = submit(t, r, req.WithTag(clock))
			}
			require.NoError(t, r.UpdateTimer(id, ops.Timer(-1)))
			require.NoError(t, next(t, r).Err())
		}
	})
}

// Whoever waits already learns of the new time.
func TestUpdateTimerWhileWaiting(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		ids := []ops.ID{submit(t, r, ops.Timer(time.Hour)), submit(t, r, ops.BoottimeTimer(time.Hour)), submit(t, r, ops.Every(time.Hour))}
		join := during(t, func() {
			time.Sleep(moment)
			for _, id := range ids[:2] {
				assert.NoError(t, r.UpdateTimer(id, ops.Timer(time.Millisecond)))
			}
			time.Sleep(moment)
			assert.NoError(t, r.UpdateTimer(ids[2], ops.Every(time.Millisecond)))
		})
		take(t, r, 3)
		join()
	})
}

func TestUpdatePeriodicTimer(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		id := submit(t, r, ops.Every(time.Hour))
		require.NoError(t, r.UpdateTimer(id, ops.EveryFrom(time.Now().Add(-time.Minute), time.Second)))
		// Its completion waits: the new times count from the new start.
		urgent(t, r)
		require.NoError(t, r.UpdateTimer(id, ops.Every(time.Hour)))
		assert.Equal(t, 1, next(t, r).N())
		takeNone(t, r)
		require.NoError(t, r.UpdateTimer(id, ops.BoottimeEvery(time.Millisecond)))
		assert.Positive(t, next(t, r).N())
		require.ErrorIs(t, r.UpdateTimer(id, ops.Timer(1)), ops.ErrInvalid)
		require.NoError(t, r.Cancel(id))
	})
}

// urgent lets a Wait look around and leave what it finds.
func urgent(t testing.TB, r *ring.Ring) {
	t.Helper()
	_, err := r.Post("urgent", ops.Highest)
	require.NoError(t, err)
	require.Equal(t, "urgent", takeOne(t, r).Tag)
}

func TestUpdateTimerRefused(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		read := submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		watch := submit(t, r, ops.ClockWasSet())
		timer := submit(t, r, ops.Timer(time.Hour))
		for _, id := range []ops.ID{0, read, watch} {
			require.ErrorIs(t, r.UpdateTimer(id, ops.Timer(1)), ops.ErrNotFound)
		}
		for _, req := range []ops.Request{ops.Nop(), ops.Every(1), ops.Every(0), ops.ClockWasSet()} {
			require.ErrorIs(t, r.UpdateTimer(timer, req), ops.ErrInvalid)
		}
		ids := make([]ops.ID, 2)
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Timer(time.Hour), ops.Nop()), ids))
		takeNone(t, r)
		require.ErrorIs(t, r.UpdateTimer(ids[0], ops.Timer(1)), ops.ErrBusy)
	})
}

// A timer inside a chain that waits for its turn.
func TestUpdateQueuedTimer(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 1})
		in, out := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		takeNone(t, r)
		ids := make([]ops.ID, 2)
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Timer(time.Hour), ops.Nop()), ids))
		require.NoError(t, r.UpdateTimer(ids[0], ops.RealtimeTimer(time.Now())))
		require.ErrorIs(t, r.UpdateTimer(ids[0], ops.Every(1)), ops.ErrInvalid)
		write(t, out, "x")
		for _, c := range take(t, r, 3) {
			require.NoError(t, c.Err())
		}
	})
}

// The deadline of any pending request can be set, moved and taken away.
func TestSetDeadline(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		requests := []ops.Request{
			ops.Read(in, make([]byte, 1), ops.Current), ops.Timer(time.Hour), ops.Every(time.Hour),
			ops.BoottimeTimer(time.Hour), ops.ClockWasSet(),
		}
		for _, req := range requests {
			for _, with := range []ops.Request{req, req.WithTimeout(time.Hour), req.WithTimeout(30 * time.Millisecond)} {
				id := submit(t, r, with)
				require.NoError(t, r.SetDeadline(id, time.Time{}))
				takeNone(t, r)
				require.NoError(t, r.SetDeadline(id, time.Now().Add(time.Hour)))
				begin := time.Now()
				require.NoError(t, r.SetDeadline(id, begin.Add(5*time.Millisecond)))
				require.ErrorIs(t, next(t, r).Err(), ops.ErrTimeout, req.Code)
				require.GreaterOrEqual(t, time.Since(begin), 5*time.Millisecond)
				require.ErrorIs(t, r.SetDeadline(id, begin), ops.ErrNotFound)
			}
			id := submit(t, r, req)
			require.NoError(t, r.SetDeadline(id, time.Unix(1, 0)))
			require.ErrorIs(t, next(t, r).Err(), ops.ErrTimeout)
			require.Zero(t, r.Stats().Timers)
		}
		require.ErrorIs(t, r.SetDeadline(0, time.Time{}), ops.ErrNotFound)
	})
}
