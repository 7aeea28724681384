package ring_test

import (
	"strconv"
	"strings"
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
)

func setPriority(t testing.TB, r *ring.Ring, id ops.ID, p ops.Priority) {
	t.Helper()
	require.NoError(t, r.SetPriority(id, p))
}

// A queued request goes to the end of its new level, upward or downward.
func TestSetPriorityOfQueued(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 1})
		got := order(t, r, func(letter func(byte, ops.Priority) ops.Request) int {
			ids := map[byte]ops.ID{}
			for i, p := range []ops.Priority{ops.Normal, ops.Normal, ops.Normal, ops.High, ops.High, ops.Low} {
				ids["abcdef"[i]] = queue(t, r, letter("abcdef"[i], p))
			}
			setPriority(t, r, ids['f'], ops.High)
			setPriority(t, r, ids['a'], ops.Highest)
			setPriority(t, r, ids['d'], ops.Lowest)
			setPriority(t, r, ids['b'], ops.Low) // there and back: to the end
			setPriority(t, r, ids['b'], ops.Normal)
			setPriority(t, r, ids['c'], ops.Normal)
			return 6
		})
		assert.Equal(t, "aefcbd", got)
	})
}

// Of a chain, the first request decides.
func TestSetPriorityOfChain(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 1})
		got := order(t, r, func(letter func(byte, ops.Priority) ops.Request) int {
			queue(t, r, letter('a', ops.Normal))
			ids := make([]ops.ID, 2)
			require.NoError(t, r.QueueAll(ops.Chain(letter('b', ops.Low), letter('c', ops.Low)), ids))
			setPriority(t, r, ids[1], ops.Highest)
			queue(t, r, letter('d', ops.Normal))
			other := make([]ops.ID, 2)
			require.NoError(t, r.QueueAll(ops.Chain(letter('e', ops.Low), letter('f', ops.Low)), other))
			setPriority(t, r, other[0], ops.High)
			return 6
		})
		assert.Equal(t, "efadbc", got)
	})
}

// What is staged and not yet seen by the kernel can still be overtaken.
func TestSetPriorityOfStaged(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := socketpair(t, 0) // before 6.4 the kernel leaves pipes to its workers
		var ids []ops.ID
		for i := range 4 {
			ids = append(ids, queue(t, r, ops.Send(out, []byte(strconv.Itoa(i)), 0)))
		}
		setPriority(t, r, ids[2], ops.High)
		setPriority(t, r, ids[0], ops.Low)
		take(t, r, 4)
		text := make([]byte, 4)
		_, err := unix.Read(in, text)
		require.NoError(t, err)
		assert.Equal(t, "2130", string(text))
	})
}

// In the kernel, only the order of delivery changes, and the window's count.
func TestSetPriorityInKernel(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 3, Reserve: 1})
		in, out := pipe(t)
		held := submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(ops.Low).WithTag("held"))
		submit(t, r, ops.Nop().WithPriority(ops.Low).WithTag("low"))
		takeNone(t, r) // one of Low is the limit
		setPriority(t, r, held, ops.Highest)
		assert.Equal(t, "low", takeOne(t, r).Tag, "its place is free for others of its old level")
		setPriority(t, r, held, ops.Low)
		submit(t, r, ops.Nop().WithPriority(ops.Low).WithTag("low"))
		takeNone(t, r)
		setPriority(t, r, held, ops.High)
		take(t, r, 1)

		in2, out2 := pipe(t)
		submit(t, r, ops.Read(in2, make([]byte, 1), ops.Current).WithTag("normal"))
		assert.Equal(t, 2, inKernel(t, r))
		write(t, out2, "x")
		write(t, out, "x")
		readByKernel(t, r, in2)
		readByKernel(t, r, in)
		c := take(t, r, 2)
		assert.Equal(t, "held", c[0].Tag)
		assert.Equal(t, ops.High, c[0].Priority)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		assert.Equal(t, 1, inKernel(t, r))
	})
}

// readByKernel waits until a Ring's reads have emptied a pipe. With DEFER_TASKRUN, and
// on the portable engine, they happen in the next Wait.
func readByKernel(t testing.TB, r *ring.Ring, in int) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, err := unix.IoctlGetInt(in, unix.TIOCINQ)
		return err == nil && n == 0 || strings.Contains(r.Info().Flags, "DEFER_TASKRUN") || isPortable(r)
	}, patience, time.Millisecond)
}

// Completions that wait to be taken move as well, and those of one request stay in
// order.
func TestSetPriorityOfCompleted(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		first, err := r.Post("first", ops.Normal)
		require.NoError(t, err)
		_, err = r.Post("second", ops.Normal)
		require.NoError(t, err)
		last, err := r.Post("last", ops.Low)
		require.NoError(t, err)
		setPriority(t, r, first, ops.Lowest)
		setPriority(t, r, last, ops.Highest)
		for _, want := range []string{"last", "second", "first"} {
			assert.Equal(t, want, takeOne(t, r).Tag)
		}
		require.ErrorIs(t, r.SetPriority(first, ops.High), ops.ErrNotFound)
		require.ErrorIs(t, r.SetPriority(0, ops.High), ops.ErrNotFound)
		require.ErrorIs(t, r.SetPriority(first, 7), ops.ErrInvalid)

		in, out := pipe(t)
		poll := submit(t, r, readiness.Edge(in, readiness.In).WithPriority(ops.Low).WithTag("poll"))
		takeNone(t, r)
		write(t, out, "x")
		time.Sleep(moment) // the event is there
		submit(t, r, ops.Nop().WithPriority(ops.Highest).WithTag("nop"))
		require.NoError(t, r.Flush())
		require.Equal(t, "nop", takeOne(t, r).Tag) // and reaped
		_, err = r.Post("normal", ops.Normal)
		require.NoError(t, err)
		setPriority(t, r, poll, ops.High)
		c := takeOne(t, r)
		assert.Equal(t, "poll", c.Tag)
		assert.True(t, c.More)
		require.NoError(t, r.Cancel(poll))
		assert.ElementsMatch(t, []any{"normal", "poll"}, []any{takeOne(t, r).Tag, takeOne(t, r).Tag})
	})
}

func TestSetPriorityOfTimers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		first := queue(t, r, ops.Timer(0).WithTag("first"))
		queue(t, r, ops.Timer(0).WithTag("second"))
		third := queue(t, r, ops.Timer(0).WithTag("third"))
		setPriority(t, r, third, ops.High)
		setPriority(t, r, first, ops.Low)
		for _, want := range []string{"third", "second", "first"} {
			assert.Equal(t, want, takeOne(t, r).Tag)
		}
		require.ErrorIs(t, r.SetPriority(first, ops.High), ops.ErrNotFound)
	})
}

// Calls that wait for a worker go in the order that was set.
func TestSetPriorityOfCalls(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Workers: 1})
		gate := make(chan struct{})
		submit(t, r, fallback.Call(func() (int, error) { <-gate; return 0, nil }))
		var ran []int
		var ids []ops.ID
		for i := range 4 {
			ids = append(ids, submit(t, r, fallback.Call(func() (int, error) { ran = append(ran, i); return 0, nil })))
		}
		setPriority(t, r, ids[3], ops.High)
		setPriority(t, r, ids[0], ops.Low)
		close(gate)
		take(t, r, 5)
		assert.Equal(t, []int{3, 1, 2, 0}, ran)
	})
}

// Locks are granted in the order that was set.
func TestSetPriorityOfLocks(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		path := t.TempDir() + "/lock"
		open := func() int {
			fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
			require.NoError(t, err)
			closeAtEnd(t, fd)
			return fd
		}
		holder := open()
		require.NoError(t, unix.Flock(holder, unix.LOCK_EX))
		var ids []ops.ID
		var fds []int
		for i := range 4 {
			fds = append(fds, open())
			ids = append(ids, submit(t, r, locks.Flock(fds[i], locks.Exclusive).WithTag(i)))
		}
		time.Sleep(moment) // the first is blocked in the kernel
		setPriority(t, r, ids[3], ops.High)
		setPriority(t, r, ids[0], ops.Low)
		time.Sleep(moment)
		require.NoError(t, unix.Flock(holder, unix.LOCK_UN))
		for _, want := range []int{3, 1, 2, 0} {
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			assert.Equal(t, want, c.Tag)
			require.NoError(t, unix.Flock(fds[want], unix.LOCK_UN))
		}
	})
}
