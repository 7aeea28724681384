package ring_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// CancelEach does for each what Cancel does, whatever it is and wherever it is.
func TestCancelEach(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 2000})
		in, _ := pipe(t)
		require.Zero(t, r.CancelEach(nil))
		pending := map[ops.ID]bool{}
		var ids []ops.ID
		for i := range 1000 {
			req := ops.Timer(time.Duration(i%50+1) * time.Hour).WithTag(i)
			switch i % 10 {
			case 7:
				req = readiness.Once(in, readiness.In).WithTag(i)
			case 8:
				req = ops.BoottimeTimer(time.Hour).WithTag(i)
			case 9:
				req = ops.Timer(time.Hour).WithTag(i).WithTimeout(time.Minute)
			}
			id := submit(t, r, req.WithPriority(ops.Priority(i%3)))
			ids = append(ids, id)
			pending[id] = true
		}
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		timers, others := ids[:500], ids[500:]
		all := append(slices.Clone(timers), 0, 1<<61|5, ^ops.ID(0), 1<<62|1<<24|0xfffff)
		require.Equal(t, len(timers), r.CancelEach(all), "those that are none are passed over")
		takeCanceled(t, r, pending, len(timers))
		require.Zero(t, r.CancelEach(all))
		require.Equal(t, len(others), r.CancelEach(others))
		takeCanceled(t, r, pending, len(others))
		require.Empty(t, pending)
		stillWorks(t, r)
	})
}

// takeCanceled takes n completions of requests that were cancelled.
func takeCanceled(t *testing.T, r *ring.Ring, pending map[ops.ID]bool, n int) {
	t.Helper()
	dst := make([]ops.Completion, 150)
	for n > 0 {
		k, err := r.Wait(dst, 1, patience)
		require.NoError(t, err)
		for _, c := range dst[:k] {
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			require.Equal(t, ops.ByCancel, c.Cause)
			require.IsType(t, 0, c.Tag)
			require.True(t, pending[c.ID])
			delete(pending, c.ID)
		}
		n -= k
	}
	require.Zero(t, n)
}

// Cancelled timers are in nobody's way while their completions wait to be taken.
func TestCancelledTimersAmongOthers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		base := time.Now().Add(30 * time.Millisecond)
		var soon []ops.ID
		pending := map[ops.ID]bool{}
		for i := range 100 {
			id := submit(t, r, ops.TimerAt(base.Add(time.Duration(i)*time.Microsecond)).WithTag(i))
			if i%2 == 0 {
				soon, pending[id] = append(soon, id), true
			}
		}
		late := submit(t, r, ops.TimerAt(base.Add(50*time.Millisecond)).WithTag("late").WithPriority(ops.High))
		require.Equal(t, len(soon), r.CancelEach(soon))
		got := map[bool]int{}
		dst := make([]ops.Completion, 7)
		for got[true]+got[false] < 101 {
			n, err := r.Wait(dst, 1, patience)
			require.NoError(t, err)
			for _, c := range dst[:n] {
				require.Equal(t, pending[c.ID], c.Cause == ops.ByCancel)
				if c.ID == late {
					require.False(t, time.Now().Before(base.Add(50*time.Millisecond)))
				}
				got[pending[c.ID]]++
			}
		}
		require.Equal(t, map[bool]int{true: 50, false: 51}, got)
	})
}
