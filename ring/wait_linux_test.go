package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestWaitMinZeroTakesWhatIsThere(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 0, ring.Forever)
		require.NoError(t, err)
		require.Zero(t, n)

		// Wait starts it, and a nop ends at once.
		queue(t, r, ops.Nop())
		n, err = r.Wait(dst[:], 0, 0)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		n, err = r.Wait(dst[:], 0, 0)
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

// A loop that never sleeps must see what completes meanwhile, also where that
// needs an enter (trap 2).
func TestWaitMinZeroSeesWhatCompletesLater(t *testing.T) {
	for name, c := range map[string]struct {
		min     int
		timeout time.Duration
	}{"min 0": {0, 0}, "min 0 for ever": {0, ring.Forever}, "timeout 0": {1, 0}, "timeout 1": {1, 1}, "several": {4, 1}} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, newRing maker) {
				r := newRing(ring.Config{})
				in, out := pipe(t)
				submit(t, r, ops.Read(in, make([]byte, 8), ops.Current))
				var dst [4]ops.Completion
				n, _ := r.Wait(dst[:], c.min, c.timeout)
				require.Zero(t, n)
				write(t, out, "x")
				for end := time.Now().Add(patience); n == 0; {
					require.True(t, time.Now().Before(end), "the completion never came up")
					n, _ = r.Wait(dst[:], c.min, c.timeout)
				}
				assert.Equal(t, 1, dst[0].N())
			})
		})
	}
}

func TestWaitTimeoutZeroDoesNotWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 1, 0)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Zero(t, n)

		queue(t, r, ops.Nop())
		n, err = r.Wait(dst[:], 1, 0)
		require.NoError(t, err)
		require.Equal(t, 1, n)

		// Fewer than asked for come with the error.
		queue(t, r, ops.Nop())
		n, err = r.Wait(dst[:], 2, 0)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Equal(t, 1, n)
		stillWorks(t, r)
	})
}

func TestWaitForSeveral(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		for i := range 3 {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
		}
		join := during(t, func() {
			for range 3 {
				time.Sleep(moment)
				write(t, out, "x")
			}
		})
		var dst [8]ops.Completion
		n, err := r.Wait(dst[:], 3, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		join()
		takeNone(t, r)
	})
}

// Timeouts never come early, and bring along what is there.
func TestWaitTimeout(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag("blocked"))
		submit(t, r, ops.Nop())
		for _, timeout := range []time.Duration{1, time.Microsecond, time.Millisecond, 30 * time.Millisecond} {
			var dst [4]ops.Completion
			before := time.Now()
			n, err := r.Wait(dst[:], 3, timeout)
			require.ErrorIs(t, err, ops.ErrTimeout)
			require.GreaterOrEqual(t, time.Since(before), timeout)
			if timeout == 1 {
				require.Equal(t, 1, n)
			}
		}
	})
}

// trap 39
func TestWaitWithVeryLongTimeout(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, timeout := range []time.Duration{1<<63 - 1, 1<<63 - 2, 1 << 62, -1 << 63, -2, ring.Forever} {
			in, out := pipe(t)
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			join := during(t, func() {
				time.Sleep(moment)
				write(t, out, "x")
			})
			var dst [4]ops.Completion
			n, err := r.Wait(dst[:], 1, timeout)
			require.NoError(t, err, timeout)
			require.Equal(t, 1, n)
			join()
		}
	})
}

// A window smaller than what Wait asks for must not make it wait for what the
// kernel cannot bring.
func TestWaitForMoreThanTheWindow(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const all = 1000
		r := newRing(ring.Config{InFlight: 1})
		for i := range all {
			queue(t, r, ops.Nop().WithTag(i))
		}
		before := time.Now()
		for i, c := range take(t, r, all) {
			require.Equal(t, i, c.Tag)
		}
		require.Less(t, time.Since(before), 5*time.Second, "Wait naps between completions")
	})
}

// Wait writes no more than fits, and keeps the rest.
func TestWaitIntoLittleRoom(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for i := range 10 {
			queue(t, r, ops.Nop().WithTag(i))
		}
		next := 0
		var dst [3]ops.Completion
		for next < 10 {
			n, err := r.Wait(dst[:], 1, patience)
			require.NoError(t, err)
			for _, c := range dst[:n] {
				require.Equal(t, next, c.Tag)
				next++
			}
		}
	})
}
