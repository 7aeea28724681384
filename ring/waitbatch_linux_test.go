package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestWaitUntil(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [2]ops.Completion
		begin := time.Now()
		n, err := r.WaitUntil(dst[:], 1, begin.Add(moment))
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Zero(t, n)
		require.GreaterOrEqual(t, time.Since(begin), moment)
		queue(t, r, ops.Nop())
		n, err = r.WaitUntil(dst[:], 2, begin) // has passed, and starts it all the same
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Equal(t, 1, n)
		submit(t, r, ops.Timer(moment))
		n, err = r.WaitUntil(dst[:], 1, time.Time{})
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// What is there by the end of the batch's time is enough.
func TestWaitBatch(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		read := func(n int) {
			for range n {
				submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			}
		}
		var dst [8]ops.Completion
		for _, batch := range []time.Duration{3 * time.Millisecond, 30 * time.Millisecond} {
			read(4)
			write(t, out, "x")
			begin := time.Now()
			n, err := r.WaitBatch(dst[:], 4, batch, patience)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.GreaterOrEqual(t, time.Since(begin), batch)

			// Nothing by then: the first that comes ends it.
			begin = time.Now()
			join := during(t, func() {
				time.Sleep(2 * batch)
				write(t, out, "x")
			})
			n, err = r.WaitBatch(dst[:], 2, batch, ring.Forever)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.GreaterOrEqual(t, time.Since(begin), 2*batch)
			join()

			// As many as were wanted: at once.
			write(t, out, "xx")
			begin = time.Now()
			n, err = r.WaitBatch(dst[:], 2, time.Hour, ring.Forever)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			require.Less(t, time.Since(begin), patience)
		}
	})
}

// So is what was done at once, when the Wait handed it over, and it ends the Wait no sooner.
func TestWaitBatchOfWhatIsDoneAtOnce(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		var dst [8]ops.Completion
		const batch = 2 * time.Millisecond
		for range 10 {
			queue(t, r, ops.Nop())
			queue(t, r, ops.Nop())
			begin := time.Now()
			n, err := r.WaitBatch(dst[:], 3, batch, patience)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			require.GreaterOrEqual(t, time.Since(begin), batch)
			require.Less(t, time.Since(begin), patience)
		}
	})
}

// With a batch of one there is nothing to wait for after the first.
func TestWaitBatchOfOne(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [4]ops.Completion
		begin := time.Now()
		queue(t, r, ops.Nop())
		n, err := r.WaitBatch(dst[:], 1, time.Hour, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = r.WaitBatch(dst[:], 1, time.Hour, moment)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Zero(t, n)
		require.Less(t, time.Since(begin), patience)
	})
}

func TestWaitBatchTimeouts(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		for range 4 {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		}
		var dst [8]ops.Completion
		begin := time.Now()
		n, err := r.WaitBatch(dst[:], 4, time.Millisecond, 2*moment)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Zero(t, n)
		require.GreaterOrEqual(t, time.Since(begin), 2*moment)
		// The timeout comes first.
		begin = time.Now()
		_, err = r.WaitBatch(dst[:], 4, time.Hour, moment)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.Less(t, time.Since(begin), patience)
		// No batch: one is enough.
		queue(t, r, ops.Nop())
		n, err = r.WaitBatch(dst[:], 4, 0, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		// Timers fire meanwhile, and count.
		submit(t, r, ops.Timer(time.Millisecond))
		submit(t, r, ops.BoottimeTimer(time.Millisecond))
		n, err = r.WaitBatch(dst[:], 2, time.Hour, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		r.Wake()
		_, err = r.WaitBatch(dst[:], 2, time.Hour, ring.Forever)
		require.ErrorIs(t, err, ops.ErrWoken)
		_, err = r.WaitBatch(dst[:], 9, 0, 0)
		require.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// A wake-up by others ends the batch too.
func TestWaitBatchIsWoken(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		for range 4 {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		}
		join := during(t, func() {
			time.Sleep(moment)
			_, err := r.Post("post", ops.Normal)
			assert.NoError(t, err)
			_, err = r.Submit(ops.Nop())
			assert.NoError(t, err)
		})
		var dst [8]ops.Completion
		n, err := r.WaitBatch(dst[:], 2, time.Hour, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		join()
	})
}

// Timers within the slack of the first are handled together, none of them early.
func TestTimerSlack(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const n = 50
		for _, clock := range []int{0, 1} {
			r := newRing(ring.Config{TimerSlack: 100 * time.Millisecond})
			begin := time.Now()
			const first = 300 * time.Millisecond // to queue them all before they are due
			for i := range n {
				d := first + time.Duration(i)*time.Millisecond
				if clock == 0 {
					queue(t, r, ops.Timer(d))
				} else {
					queue(t, r, ops.BoottimeTimer(d))
				}
			}
			// One Wait for all, but for wake-ups that come for another reason: those
			// take what is due.
			var dst [n]ops.Completion
			waits := 0
			for got := 0; got < n; waits++ {
				k, err := r.Wait(dst[:], 1, patience)
				require.NoError(t, err)
				got += k
				assert.GreaterOrEqual(t, time.Since(begin), first+time.Duration(got-1)*time.Millisecond, "one was early")
			}
			assert.LessOrEqual(t, waits, n/5, "they came one by one")
		}
		_, err := ring.New(ring.Config{TimerSlack: -1})
		require.ErrorIs(t, err, ops.ErrInvalid)
	})
}
