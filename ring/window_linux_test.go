package ring_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// inKernel starts what is queued and returns how many requests the kernel has.
func inKernel(t testing.TB, r *ring.Ring) int {
	t.Helper()
	takeNone(t, r)
	return r.Stats().InKernel
}

// Requests of low levels leave the last places of the window to others.
func TestReserve(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 8, Reserve: 2})
		assert.Equal(t, 2, r.Info().Reserve)
		in, out := pipe(t)
		blocked := func(p ops.Priority, n int) {
			for range n {
				queue(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(p).WithTag(p))
			}
		}
		blocked(ops.Low, 10)
		assert.Equal(t, 4, inKernel(t, r))
		blocked(ops.Lowest, 1)
		assert.Equal(t, 4, inKernel(t, r))
		blocked(ops.Normal, 10)
		assert.Equal(t, 6, inKernel(t, r))
		blocked(ops.High, 1)
		assert.Equal(t, 7, inKernel(t, r))
		blocked(ops.Highest, 1)
		assert.Equal(t, 8, inKernel(t, r))
		blocked(ops.Highest, 1)
		assert.Equal(t, 8, inKernel(t, r))

		// Whichever readers get these, others take their places.
		write(t, out, "xx")
		take(t, r, 2)
		assert.LessOrEqual(t, inKernel(t, r), 8)
		assert.GreaterOrEqual(t, inKernel(t, r), 7)
		n, err := r.CancelAll()
		require.NoError(t, err)
		assert.Equal(t, 22, n)
		take(t, r, 22)
		stillWorks(t, r)
	})
}

// What starts at once, without a look into the queue, keeps to the reserve too.
func TestReserveOnSubmit(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 4, Reserve: 1})
		in, _ := pipe(t)
		for range 10 {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(ops.Lowest))
		}
		assert.Equal(t, 2, inKernel(t, r))
		submit(t, r, ops.Nop().WithTag("normal"))
		assert.Equal(t, "normal", takeOne(t, r).Tag)
	})
}

func TestReserveDefaults(t *testing.T) {
	for _, c := range []struct{ inFlight, reserve, want int }{
		{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 1}, {8, 0, 1}, {64, 0, 8}, {64, -1, 0},
		{1, 5, 0}, {8, 5, 3}, {0, 5, 5},
	} {
		r, err := ring.New(ring.Config{InFlight: c.inFlight, Reserve: c.reserve})
		require.NoError(t, err)
		assert.Equal(t, c.want, r.Info().Reserve, "%+v", c)
		closeRing(t, r)
	}
}

// An urgent request overtakes ten thousand that wait, while the kernel is busy
// with some of them.
func TestUrgentOvertakesTenThousand(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const backlog = 10_000
		r := newRing(ring.Config{InFlight: 8})
		in, _ := pipe(t)
		for range backlog {
			queue(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(ops.Low))
		}
		assert.Less(t, inKernel(t, r), 8)
		for i, p := range []ops.Priority{ops.Normal, ops.High, ops.Highest} {
			submit(t, r, ops.Nop().WithPriority(p).WithTag(i))
			assert.Equal(t, i, takeOne(t, r).Tag)
		}
		n, err := r.CancelAll()
		require.NoError(t, err)
		require.Equal(t, backlog, n)
		take(t, r, backlog)
	})
}

// order lets a request hold the window while those of fill come in, and returns in
// which order the kernel carries these out: each writes its letter into a pipe.
func order(t *testing.T, r *ring.Ring, fill func(letter func(c byte, p ops.Priority) ops.Request) int) string {
	t.Helper()
	gate, open := pipe(t)
	in, out := pipe(t)
	submit(t, r, ops.Read(gate, make([]byte, 1), ops.Current).WithPriority(ops.Highest))
	require.Equal(t, 1, inKernel(t, r))
	n := fill(func(c byte, p ops.Priority) ops.Request {
		return ops.Write(out, []byte{c}, ops.Current).WithPriority(p)
	})
	require.Equal(t, 1, inKernel(t, r))
	write(t, open, "x")
	take(t, r, n+1)
	text := make([]byte, n+1)
	got, err := unix.Read(in, text)
	require.NoError(t, err)
	require.Equal(t, n, got)
	return string(text[:n])
}

// A level that was passed over for long enough is served, and not later than
// promised; with Strict it is served last.
func TestAgeing(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			eachMode(t, func(t *testing.T, newRing maker) {
				r := newRing(ring.Config{InFlight: 1, Strict: strict})
				const urgent = 1000
				got := order(t, r, func(letter func(byte, ops.Priority) ops.Request) int {
					for c, p := range map[byte]ops.Priority{'a': ops.Lowest, 'b': ops.Low, 'c': ops.Normal, 'd': ops.High} {
						for range 5 {
							queue(t, r, letter(c, p))
						}
					}
					for range urgent {
						queue(t, r, letter('.', ops.Highest))
					}
					return urgent + 20
				})
				last := [256]int{}
				for i := range last {
					last[i] = -1
				}
				seen := [256]int{}
				for i := range got {
					c := got[i]
					seen[c]++
					if c == '.' || seen['.'] == urgent {
						continue // from here on nothing more urgent waits
					}
					require.False(t, strict, "%c after %d", c, i)
					// Neither sooner than its patience ends nor later than promised.
					passed := i - last[c] - 1
					assert.GreaterOrEqual(t, passed, ring.Patience)
					assert.LessOrEqual(t, passed, ring.Patience+ops.Levels-1)
					last[c] = i
				}
			})
		})
	}
}

// What a signal, a timer, a call and the kernel bring comes out by priority, not by
// where it comes from.
func TestPriorityOfAllSources(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		for i, p := range []ops.Priority{ops.Low, ops.High} {
			submit(t, r, signals.Watch(unix.SIGUSR2).WithPriority(p).WithTag([]string{"6", "2"}[i]))
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(p).WithTag([]string{"6", "2"}[i]))
			submit(t, r, ops.Timer(moment/2).WithPriority(p).WithTag([]string{"6", "2"}[i]))
			submit(t, r, ops.BoottimeTimer(moment/2).WithPriority(p).WithTag([]string{"6", "2"}[i]))
			submit(t, r, fallback.Call(func() (int, error) { return 0, nil }).WithPriority(p).WithTag([]string{"6", "2"}[i]))
		}
		write(t, out, "xx")
		require.NoError(t, unix.Kill(unix.Getpid(), unix.SIGUSR2))
		// A look around, as often as it takes: what is there is put in order, and stays
		// behind what is more urgent.
		for end := time.Now().Add(patience); r.Stats().Ready < 10 && time.Now().Before(end); {
			submit(t, r, ops.Nop().WithPriority(ops.Highest).WithTag("1"))
			require.NoError(t, r.Flush())
			_, err := r.Post("1", ops.Highest)
			require.NoError(t, err)
			for _, c := range take(t, r, 2) {
				require.Equal(t, "1", c.Tag)
			}
		}
		require.GreaterOrEqual(t, r.Stats().Ready, 10)
		last := "2"
		for _, c := range take(t, r, 10) {
			require.GreaterOrEqual(t, c.Tag, last)
			last = c.Tag.(string)
		}
	})
}
