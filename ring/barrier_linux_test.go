package ring_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// tags returns the tags of completions, all of which have succeeded.
func tags(t testing.TB, all []ops.Completion) (tags []any) {
	t.Helper()
	for _, c := range all {
		require.NoError(t, c.Err(), "%v", c.Tag)
		tags = append(tags, c.Tag)
	}
	return tags
}

// A barrier starts when what is ahead of it has ended, and what is behind it starts
// when the barrier has: whatever the priorities.
func TestBarrier(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		rd2, wr2 := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current).WithTag("ahead"))
		submit(t, r, ops.Read(rd2, make([]byte, 1), ops.Current).WithTag("barrier").WithDrain())
		submit(t, r, ops.Nop().WithTag("low").WithPriority(ops.Low))
		submit(t, r, ops.Nop().WithTag("high").WithPriority(ops.High))
		write(t, wr2, "2")
		takeNone(t, r)
		assert.Equal(t, 2, r.Stats().Queued)
		write(t, wr, "1")
		got := tags(t, take(t, r, 4))
		got = slices.DeleteFunc(got, func(tag any) bool { return tag == "high" }) // Wait delivers it first
		assert.Equal(t, []any{"ahead", "barrier", "low"}, got)
		stillWorks(t, r)
	})
}

// Nothing pending, and a barrier is a request like others, in Do too.
func TestBarrierAlone(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		do(t, r, ops.Nop().WithDrain())
		queue(t, r, ops.Nop().WithTag(1).WithDrain())
		queue(t, r, ops.Nop().WithTag(2))
		require.NoError(t, r.Flush())
		assert.Equal(t, []any{1, 2}, tags(t, take(t, r, 2)))
	})
}

// Barriers pass in the order in which they came, each with what is between it and
// the next. Sources and chains are held up and waited for like all else; a whole
// chain can be the barrier.
func TestBarrierOfEveryKind(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		var mu sync.Mutex
		var log []string
		step := func(name string) ops.Request {
			return fallback.Call(func() (int, error) {
				time.Sleep(time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				log = append(log, name)
				return 0, nil
			})
		}
		f, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		defer f.Close()
		rd, wr := pipe(t)
		submit(t, r, step("a"))
		submit(t, r, step("a"))
		require.NoError(t, r.SubmitAll(ops.Chain(
			ops.Write(wr, []byte("xy"), ops.Current).WithDrain(),
			ops.Read(rd, make([]byte, 1), ops.Current), ops.Timer(time.Millisecond)), nil))
		submit(t, r, step("b"))
		submit(t, r, locks.Flock(int(f.Fd()), locks.Exclusive))
		require.NoError(t, r.SubmitAll(ops.HardChain(ops.Nop(), ops.Read(rd, make([]byte, 1), ops.Current)), nil))
		submit(t, r, step("c").WithDrain())
		submit(t, r, step("d").WithDrain())
		submit(t, r, step("e"))
		tags(t, take(t, r, 12))
		assert.Equal(t, []string{"a", "a", "b", "c", "d", "e"}, log)
	})
}

// What has no end of its own is not waited for, and goes on: multishot requests and
// timers. Those that are accepted later start behind the barrier; timers run.
func TestBarrierAndTheEndless(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		ahead, behind := pipe(t)
		watch := submit(t, r, readiness.Edge(rd, readiness.In).WithTag("watch"))
		clock := submit(t, r, ops.Timer(time.Hour))
		submit(t, r, ops.Read(ahead, make([]byte, 1), ops.Current).WithTag("ahead"))
		submit(t, r, ops.Nop().WithTag("barrier").WithDrain())
		late := submit(t, r, readiness.Level(rd, readiness.In).WithTag("late"))
		submit(t, r, ops.Timer(time.Millisecond).WithTag("timer"))
		_, err := r.Post("post", ops.Normal)
		require.NoError(t, err)
		assert.Equal(t, []any{"post", "timer"}, tags(t, take(t, r, 2)))
		write(t, wr, "x")
		assert.Equal(t, []any{"watch"}, tags(t, take(t, r, 1)), "it goes on")
		takeNone(t, r)
		write(t, behind, "x")
		assert.Equal(t, []any{"ahead", "barrier", "late"}, tags(t, take(t, r, 3)))
		for _, id := range []ops.ID{watch, clock, late} {
			require.NoError(t, r.Cancel(id))
		}
		for ended := 0; ended < 3; {
			if c := takeOne(t, r); !c.More {
				assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
				ended++
			}
		}
	})
}

// Cancels and timeouts end a barrier that waits, and what it holds up, at once.
// Behind a barrier that ended early the others start, and the next barrier still
// waits for what is ahead of it.
func TestBarrierEndsEarly(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current).WithTag("ahead"))
		first := submit(t, r, ops.Nop().WithTag("first").WithDrain())
		held := submit(t, r, ops.Nop().WithTag("held"))
		submit(t, r, ops.Nop().WithTag("late").WithTimeout(moment))
		submit(t, r, ops.Nop().WithTag("go"))
		ids := make([]ops.ID, 2)
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Nop().WithTag("cut").WithDrain(), ops.Nop().WithTag("cut too")), ids))
		submit(t, r, ops.Nop().WithTag("second").WithDrain())
		require.NoError(t, r.Cancel(held))
		c := takeOne(t, r)
		assert.Equal(t, "held", c.Tag)
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		c = takeOne(t, r)
		assert.Equal(t, "late", c.Tag)
		assert.ErrorIs(t, c.Err(), ops.ErrTimeout)
		require.NoError(t, r.Cancel(ids[0]))
		for range 2 {
			c = takeOne(t, r)
			assert.ErrorIs(t, c.Err(), ops.ErrCanceled, "%v", c.Tag)
		}
		require.NoError(t, r.Cancel(first))
		all := byTag(t, take(t, r, 2))
		assert.ErrorIs(t, errOf(all["first"]), ops.ErrCanceled)
		assert.NoError(t, errOf(all["go"]))
		takeNone(t, r)
		write(t, wr, "x")
		assert.Equal(t, []any{"ahead", "second"}, tags(t, take(t, r, 2)))
	})
}

// A member cut out of a chain that is the barrier does not keep it up.
func TestBarrierChainCut(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current).WithTag("ahead"))
		ids := make([]ops.ID, 3)
		chain := ops.Chain(ops.Nop().WithTag(0).WithDrain(), ops.Nop().WithTag(1), ops.Nop().WithTag(2))
		require.NoError(t, r.SubmitAll(chain, ids))
		submit(t, r, ops.Nop().WithTag("behind"))
		require.NoError(t, r.Cancel(ids[1]))
		for range 2 {
			c := takeOne(t, r)
			assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
		require.NoError(t, r.SetPriority(ids[0], ops.High))
		write(t, wr, "x")
		got := tags(t, take(t, r, 3))
		assert.ElementsMatch(t, []any{"ahead", 0, "behind"}, got)
		assert.Equal(t, "behind", got[2])
	})
}

// Close ends a barrier and what it holds up.
func TestBarrierClose(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		rd, _ := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current))
		for range 3 {
			submit(t, r, ops.Nop().WithDrain())
			submit(t, r, ops.Nop())
		}
		require.NoError(t, r.Close())
		all := drain(t, r)
		require.Len(t, all, 7)
		for _, c := range all {
			assert.ErrorIs(t, c.Err(), ops.ErrClosed)
		}
	})
}

func TestBarrierRefusals(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	for _, req := range []ops.Request{
		ops.Timer(time.Second), ops.Every(time.Second), ops.ClockWasSet(),
		readiness.Level(0, readiness.In), ops.AcceptMulti(0, 0),
	} {
		_, err := r.Submit(req.WithDrain())
		assert.ErrorIs(t, err, ops.ErrInvalid, "%v", req.Code)
	}
	_, err = r.Submit(ops.Read(0, nil, -2).WithDrain())
	assert.ErrorContains(t, err, "offset -2")
	err = r.SubmitAll(ops.Chain(ops.Nop(), ops.Nop().WithDrain()), nil)
	assert.ErrorIs(t, err, ops.ErrInvalid)
	assert.ErrorContains(t, err, "request 2 of 2")
	err = r.SubmitAll(ops.Chain(ops.Nop(), signals.Once(unix.SIGUSR1)), nil)
	assert.ErrorContains(t, err, "cannot be part of a chain")
}

// Goroutines submit requests and barriers at random, and look at the order in which
// calls run: none on the wrong side of a barrier.
func TestBarrierStorm(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		const workers, rounds = 4, 60
		var mu sync.Mutex // orders what is submitted, and guards epoch
		epoch := 0
		var running sync.Map // epochs of calls under way
		join := during(t, func() {
			var all sync.WaitGroup
			for w := range workers {
				all.Go(func() {
					random := rand.New(rand.NewPCG(uint64(w), 1))
					for range rounds {
						stormStep(t, r, random, &mu, &epoch, &running)
					}
				})
			}
			all.Wait()
		})
		want := workers * rounds
		for _, c := range serve(t, r, join) {
			require.NoError(t, c.Err())
			want--
		}
		for range want {
			c := takeOne(t, r)
			require.NoError(t, c.Err())
		}
	})
}

func stormStep(t *testing.T, r *ring.Ring, random *rand.Rand, mu *sync.Mutex, epoch *int, running *sync.Map) {
	mu.Lock()
	defer mu.Unlock()
	barrier := random.IntN(5) == 0
	if barrier {
		*epoch++
	}
	mine := *epoch
	req := fallback.Call(func() (int, error) {
		key := new(int)
		running.Store(key, mine)
		defer running.Delete(key)
		running.Range(func(_, other any) bool {
			if other != mine {
				return assert.Fail(t, "a call runs across a barrier", "%v beside %v", other, mine)
			}
			return true
		})
		return 0, nil
	})
	req.Priority = ops.Priority(random.IntN(5) - 2)
	if barrier {
		*epoch++
		req = req.WithDrain()
	}
	_, err := r.Submit(req)
	assert.NoError(t, err)
}

// A request behind a barrier that its Do gives up on ends at once.
func TestBarrierHoldsUpDo(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current).WithTag("ahead"))
		submit(t, r, ops.Nop().WithTag("barrier").WithDrain())
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		_, err := r.Do(ctx, ops.Nop())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = unix.Write(wr, []byte("x"))
		require.NoError(t, err)
		assert.Equal(t, []any{"ahead", "barrier"}, tags(t, take(t, r, 2)))
	})
}

// What a barrier holds up, and cancels, leaves nothing behind.
func TestBarrierKeepsNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 8})
		rd, wr := pipe(t)
		submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current).WithTag("ahead"))
		submit(t, r, ops.Nop().WithTag("barrier").WithDrain())
		for i := range 1000 {
			req := ops.Nop().WithTag(i)
			if i%3 == 0 {
				req = req.WithDrain()
			}
			id := submit(t, r, req)
			require.NoError(t, r.Cancel(id), fmt.Sprint(i))
			takeOne(t, r)
		}
		write(t, wr, "x")
		assert.Equal(t, []any{"ahead", "barrier"}, tags(t, take(t, r, 2)))
		stillWorks(t, r)
	})
}
