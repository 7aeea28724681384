package fallback_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestCallsRunInOrderOfPriority(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 1})
	release := make(chan bool)
	submit(t, r, fallback.Call(func() (int, error) { <-release; return 0, nil }).WithTag(-1))
	var order []int // the one worker's
	for i, p := range []ops.Priority{ops.Low, ops.Normal, ops.Highest, ops.Normal, ops.Lowest, ops.Highest} {
		submit(t, r, fallback.Call(func() (int, error) { order = append(order, i); return 0, nil }).WithPriority(p))
	}
	close(release)
	for range 7 {
		c := wait(t, r)
		require.NoError(t, c.Err())
	}
	require.Equal(t, []int{2, 5, 1, 3, 0, 4}, order)
}

func TestPoolIsBoundedGrowsAndShrinks(t *testing.T) {
	const limit = 4
	r := newRing(t, ring.Config{Workers: limit})
	var running, most atomic.Int32
	for range 200 {
		submit(t, r, fallback.Call(func() (int, error) {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(100 * time.Microsecond)
			running.Add(-1)
			return 0, nil
		}))
	}
	for range 200 {
		c := wait(t, r)
		require.NoError(t, c.Err())
	}
	require.EqualValues(t, limit, most.Load())
	s := r.Workers()
	require.Equal(t, limit, s.Peak)
	require.EqualValues(t, 200, s.Started)
	end := time.Now().Add(patience)
	for r.Workers().Workers != 0 {
		require.True(t, time.Now().Before(end), "idle workers end: %+v", r.Workers())
		time.Sleep(10 * time.Millisecond)
	}
	submit(t, r, fallback.Call(nothing))
	c := wait(t, r)
	require.NoError(t, c.Err())
}

// Calls that wait for calls, deeper than there are workers, all end: trap 48.
func TestSaturatedPoolDoesNotDeadlock(t *testing.T) {
	for _, pinned := range []bool{false, true} {
		r := newRing(t, ring.Config{Workers: 2, Pinned: pinned})
		var nest func(depth int) ops.Request
		nest = func(depth int) ops.Request {
			return fallback.Call(func() (int, error) {
				if depth == 0 {
					return 1, nil
				}
				a, err := r.Do(context.Background(), nest(depth-1))
				if err != nil {
					return 0, err
				}
				b, err := r.Do(context.Background(), nest(depth-1).WithPriority(ops.Low))
				return a.N() + b.N(), err
			})
		}
		const width = 10
		for range width {
			submit(t, r, nest(5))
		}
		for range width {
			c := wait(t, r)
			require.NoError(t, c.Err())
			require.Equal(t, 32, c.N())
		}
		require.Zero(t, r.Workers().Running)
		require.Zero(t, r.Workers().Waiting)
	}
}

// The same with waits that the Ring does not see.
func TestBlockingGivesTheSlotUp(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 1})
	outer := fallback.Call(func() (int, error) {
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := r.Do(context.Background(), fallback.Call(nothing)); err != nil {
				t.Error(err)
			}
		}()
		fallback.Blocking(func() { fallback.Blocking(wg.Wait) })
		return 3, nil
	})
	c, err := r.Do(context.Background(), outer)
	require.NoError(t, err)
	require.Equal(t, 3, c.N())
	ran := false
	fallback.Blocking(func() { ran = true })
	require.True(t, ran)
}

// Workers of one Ring that wait on another give their slots up too.
func TestWaitOnAnotherRing(t *testing.T) {
	a, b := newRing(t, ring.Config{Workers: 1}), newRing(t, ring.Config{Workers: 1})
	inner := fallback.Call(func() (int, error) {
		_, err := a.Do(context.Background(), fallback.Call(nothing))
		return 0, err
	})
	_, err := a.Do(context.Background(), fallback.Call(func() (int, error) {
		_, err := b.Do(context.Background(), inner)
		return 0, err
	}))
	require.NoError(t, err)
}

// Close ends queued calls, and waits for those that run.
func TestCloseWaitsForCalls(t *testing.T) {
	r, err := ring.New(ring.Config{Workers: 1, CloseTimeout: 10 * time.Millisecond})
	require.NoError(t, err)
	begun, release := make(chan bool), make(chan bool)
	submit(t, r, fallback.Call(func() (int, error) { close(begun); <-release; return 9, nil }))
	<-begun
	submit(t, r, fallback.Call(func() (int, error) { panic("it ran") }))
	err = r.Close()
	require.ErrorIs(t, err, ops.ErrBusy)
	require.ErrorContains(t, err, "call")
	close(release)
	end := time.Now().Add(patience)
	for err = r.Close(); err != nil; err = r.Close() {
		require.ErrorIs(t, err, ops.ErrBusy)
		require.True(t, time.Now().Before(end))
	}
	got := map[int]int{}
	for range 2 {
		c := wait(t, r)
		got[c.N()]++
		if c.N() != 9 {
			require.ErrorIs(t, c.Err(), ops.ErrClosed)
		}
	}
	require.Equal(t, map[int]int{9: 1, 0: 1}, got)
}

// Submissions, cancels and timeouts at once, from many goroutines.
func TestCallsUnderStress(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 3})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 300 {
				ctx, cancel := context.WithCancel(context.Background())
				req := fallback.CallContext(func(ctx context.Context) (int, error) {
					if i%3 == 0 {
						<-ctx.Done()
						return 0, ctx.Err()
					}
					return i, nil
				})
				if g%2 == 0 {
					req = req.WithTimeout(time.Duration(i+1) * time.Microsecond)
				} else {
					time.AfterFunc(time.Duration(i)*time.Microsecond, cancel)
				}
				c, err := r.Do(ctx, req)
				if err == nil && c.N() != i {
					t.Errorf("count %d, want %d", c.N(), i)
				}
				cancel()
			}
		}()
	}
	wg.Wait()
	s := r.Workers()
	require.Zero(t, s.Queued+s.Waiting+s.Running, "%+v", s)
}
