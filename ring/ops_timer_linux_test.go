package ring_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpTimerIsNotEarly(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, d := range []time.Duration{time.Nanosecond, 50 * time.Microsecond, time.Millisecond, 20 * time.Millisecond} {
			begin := time.Now()
			c := do(t, r, ops.Timer(d))
			assert.GreaterOrEqual(t, time.Since(begin), d)
			assert.Zero(t, c.Res)
			at := time.Now().Add(d)
			do(t, r, ops.TimerAt(at))
			assert.False(t, time.Now().Before(at))
		}
	})
}

// Timers whose time has come fire at once, without waiting.
func TestOpTimerInThePast(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, req := range []ops.Request{
			ops.Timer(0), ops.Timer(-1), ops.Timer(-time.Hour), ops.Timer(math.MinInt64),
			ops.TimerAt(time.Time{}), ops.TimerAt(time.Unix(0, 0)), ops.TimerAt(time.Now()),
		} {
			id, err := r.Submit(req)
			require.NoError(t, err)
			var one [1]ops.Completion
			_, err = r.Wait(one[:], 1, 0)
			require.NoError(t, err)
			require.Equal(t, id, one[0].ID)
			require.NoError(t, one[0].Err())
		}
	})
}

// The longest timers do not overflow into the past. (trap 39)
func TestOpTimerFarAhead(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, req := range []ops.Request{
			ops.Timer(math.MaxInt64), ops.Timer(math.MaxInt64 - 1),
			ops.TimerAt(time.Unix(1<<40, 0)), ops.TimerAt(time.Now().Add(math.MaxInt64)),
			ops.Timer(time.Hour),
		} {
			cancels(t, r, req, "")
		}
	})
}

func TestOpTimersInOrder(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		const n = 1000
		base := time.Now().Add(20 * time.Millisecond)
		for i := range n {
			place := i * 389 % n // every number once
			_, err := r.Queue(ops.TimerAt(base.Add(time.Duration(place) * 10 * time.Microsecond)).WithTag(place))
			require.NoError(t, err)
		}
		for want := range n {
			require.Equal(t, want, next(t, r).Tag)
		}
		assert.False(t, time.Now().Before(base))
	})
}

// A timer that does not run out in time fails as any other request does.
func TestOpTimerTimeout(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, err := try(t, r, ops.Timer(time.Hour).WithTimeout(time.Millisecond))
		explains(t, err, ops.CodeTimer, "", ops.ErrTimeout)
		_, err = try(t, r, ops.Timer(time.Hour).WithDeadline(time.Now().Add(-time.Second)))
		explains(t, err, ops.CodeTimer, "", ops.ErrTimeout)
		do(t, r, ops.Timer(time.Millisecond).WithTimeout(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		_, err = r.Do(ctx, ops.Timer(time.Hour))
		explains(t, err, ops.CodeTimer, "", context.DeadlineExceeded)
	})
}

// Inside a chain a timer counts from its turn on, and its end is a success.
func TestOpTimerInChain(t *testing.T) {
	needs(t, "5.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		const d = 10 * time.Millisecond
		rd, wr := pipe(t)
		err := r.SubmitAll(ops.Chain(
			ops.Read(rd, make([]byte, 1), ops.Current), ops.Timer(d), ops.TimerAt(time.Now()), ops.Nop()), nil)
		require.NoError(t, err)
		waits(t, r)
		begin := time.Now()
		write(t, wr, "x")
		for _, code := range []ops.Code{ops.CodeRead, ops.CodeTimer, ops.CodeTimer, ops.CodeNop} {
			c := next(t, r)
			assert.Equal(t, code, c.Code)
			assert.NoError(t, c.Err())
			assert.Equal(t, code == ops.CodeRead, c.N() == 1)
		}
		assert.GreaterOrEqual(t, time.Since(begin), d)

		ids := make([]ops.ID, 2)
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Timer(time.Hour), ops.Nop()), ids))
		waits(t, r)
		require.NoError(t, r.Cancel(ids[0]))
		canceled(t, r, ids[0], ops.CodeTimer, "")
		explains(t, next(t, r).Err(), ops.CodeNop, "", ops.ErrCanceled)
	})
}

// A timer for a point in time does not start to count when its turn comes.
func TestOpTimerAtInChain(t *testing.T) {
	needs(t, "5.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		const d = time.Second
		rd, wr := pipe(t)
		at := time.Now().Add(d)
		early := ops.Chain(ops.Nop(), ops.TimerAt(at), ops.Nop().WithTag("early"))
		late := ops.Chain(ops.Read(rd, make([]byte, 1), ops.Current), ops.TimerAt(at), ops.Nop().WithTag("late"))
		require.NoError(t, r.SubmitAll(append(early, late...), nil))
		take(t, r, 3)
		assert.False(t, time.Now().Before(at))
		submit(t, r, ops.Timer(d/2).WithTag("control"))
		write(t, wr, "x")
		for _, want := range []any{nil, nil, "late", "control"} { // before it was: control, late
			c := next(t, r)
			assert.NoError(t, c.Err())
			assert.Equal(t, want, c.Tag)
		}
	})
}
