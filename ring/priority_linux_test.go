package ring_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Priority in the queue: what is more urgent reaches the kernel first, and
// within a level what came first.
func TestPriorityInQueue(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, window := range []int{1, 0} {
			r := newRing(ring.Config{InFlight: window})
			// Not a pipe: before 6.4 the kernel leaves those to its workers.
			in, out := socketpair(t, 0)
			for i, p := range []ops.Priority{ops.Lowest, ops.Low, ops.Normal, ops.Normal, ops.High, ops.Low, ops.Highest, ops.High} {
				queue(t, r, ops.Send(out, []byte{"01234567"[i]}, 0).WithPriority(p))
			}
			take(t, r, 8)
			order := make([]byte, 8)
			_, err := unix.Read(in, order)
			require.NoError(t, err)
			assert.Equal(t, "64723150", string(order), "window %d", window)
		}
	})
}

// Priority in Wait: completions come most urgent first, in order within a level.
func TestPriorityInWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		seed := time.Now().UnixNano()
		t.Log("seed", seed)
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		const all = 300
		for i := range all {
			p := ops.Priority(rng.IntN(ops.Levels)) + ops.Lowest
			switch rng.IntN(3) {
			case 0:
				_, err := r.Post(i, p)
				require.NoError(t, err)
			case 1:
				queue(t, r, ops.Timer(0).WithPriority(p).WithTag(i))
			case 2:
				// Ends at once, by timeout: it never reaches the kernel.
				queue(t, r, ops.Timer(time.Hour).WithTimeout(1).WithPriority(p).WithTag(i))
			}
		}
		time.Sleep(moment)
		// Expired timers are found in the order of their times: only levels count
		// among all, and order among the posts.
		last := ops.Highest
		for _, c := range take(t, r, all) {
			require.LessOrEqual(t, c.Priority, last)
			last = c.Priority
		}
	})
}

func TestPriorityInWaitIsFirstInFirstOutWithinALevel(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for i := range 100 {
			_, err := r.Post(i, ops.Priority(i%ops.Levels)+ops.Lowest)
			require.NoError(t, err)
		}
		last := [ops.Levels]int{-1, -1, -1, -1, -1}
		level := ops.Highest
		var dst [7]ops.Completion
		for got := 0; got < 100; {
			n, err := r.Wait(dst[:], 1, patience)
			require.NoError(t, err)
			got += n
			for _, c := range dst[:n] {
				require.LessOrEqual(t, c.Priority, level)
				level = c.Priority
				require.Greater(t, c.Tag.(int), last[level.Level()])
				last[level.Level()] = c.Tag.(int)
			}
		}
	})
}

// An urgent completion overtakes a backlog of others, also when the kernel
// reported it last.
func TestPriorityOvertakesBacklog(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for range 50 {
			submit(t, r, ops.Nop().WithPriority(ops.Low))
		}
		submit(t, r, ops.Nop().WithPriority(ops.Lowest))
		submit(t, r, ops.Nop().WithPriority(ops.High).WithTag("urgent"))
		require.NoError(t, r.Flush())
		c := takeOne(t, r)
		assert.Equal(t, "urgent", c.Tag)
		all := take(t, r, 51)
		assert.Equal(t, ops.Lowest, all[50].Priority)
	})
}

// A request with a less urgent one staged ahead of it goes first, whatever else
// is staged, linked or cancelled meanwhile.
func TestPriorityAmongStaged(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := socketpair(t, 0) // not a pipe, as above
		put := func(text string, p ops.Priority) ops.Request {
			return ops.Send(out, []byte(text), 0).WithPriority(p)
		}
		queue(t, r, put("n", ops.Normal))
		require.NoError(t, r.QueueAll(ops.Chain(put("c", ops.Normal), put("d", ops.Lowest)), nil))
		queue(t, r, put("l", ops.Low))
		queue(t, r, put("h", ops.High))
		gone := queue(t, r, put("x", ops.Highest))
		require.NoError(t, r.Cancel(gone))
		take(t, r, 6)
		order := make([]byte, 8)
		n, err := unix.Read(in, order)
		require.NoError(t, err)
		// The second member of the chain starts when the first has ended.
		got := strings.Replace(string(order[:n]), "d", "", 1)
		assert.Contains(t, []string{"hncl", "xhncl"}, got, "cancel is an attempt")
	})
}
