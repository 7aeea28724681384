package ring_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// A level-triggered poll reports on each Wait as long as there is something, of
// each descriptor once, whatever else comes.
func TestLevelPolls(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		const pipes = 5
		var in, out [pipes]int
		for i := range pipes {
			in[i], out[i] = pipe(t)
			submit(t, r, readiness.Level(in[i], readiness.In).WithTag(i))
		}
		takeNone(t, r)
		for i := range pipes {
			write(t, out[i], "x")
		}
		for range 10 {
			for _, c := range byTag(t, take(t, r, pipes)) {
				require.True(t, c.More)
				require.Equal(t, readiness.In, readiness.Of(&c))
			}
		}
		drainPipe(t, in[0])
		drainPipe(t, in[1])
		all := byTag(t, take(t, r, pipes-2))
		require.NotContains(t, all, 0)
		require.NotContains(t, all, 1)
		for i := range pipes {
			drainPipe(t, in[i])
		}
		takeNone(t, r)
		require.Equal(t, pipes, r.Stats().Pending)
		n, err := r.CancelAll()
		require.NoError(t, err)
		require.Equal(t, pipes, n)
		for _, c := range take(t, r, pipes) {
			require.False(t, c.More)
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
	})
}

// Cancel of one whose event was reported but not taken, and of one whose event
// was taken: the event comes, then the end.
func TestLevelPollCancel(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		write(t, out, "x")
		id := submit(t, r, readiness.Level(in, readiness.In))
		c := takeOne(t, r)
		require.True(t, c.More)
		require.NoError(t, r.Cancel(id)) // idle
		c = takeOne(t, r)
		require.False(t, c.More)
		require.ErrorIs(t, c.Err(), ops.ErrCanceled)

		id = submit(t, r, readiness.Level(in, readiness.In))
		require.NoError(t, r.Flush())
		_, err := r.Do(t.Context(), ops.Nop()) // it takes the event in
		require.NoError(t, err)
		require.NoError(t, r.Cancel(id))
		c = takeOne(t, r)
		if c.More {
			require.True(t, readiness.Of(&c).Has(readiness.In))
			c = takeOne(t, r)
		}
		require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		takeNone(t, r)
	})
}

// An edge-triggered poll reports what arrives, and nothing after that.
func TestEdgePoll(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		id := submit(t, r, readiness.Edge(in, readiness.In))
		takeNone(t, r)
		for range 5 {
			write(t, out, "x") // not read: what remains is not reported again
			c := takeOne(t, r)
			require.True(t, c.More)
			require.True(t, readiness.Of(&c).Has(readiness.In))
			takeNone(t, r)
		}
		drainPipe(t, in)
		takeNone(t, r)
		require.NoError(t, unix.Close(out))
		c := takeOne(t, r)
		require.True(t, readiness.Of(&c).Has(readiness.Hup))
		if c.More {
			require.NoError(t, r.Cancel(id))
			for c = takeOne(t, r); c.More; c = takeOne(t, r) {
			}
		}
	})
}

// What is always ready, such as a file, does not keep the Ring busy for ever
// (trap 16).
func TestPollOfWhatIsAlwaysReady(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, kind := range []func(int, readiness.Events) ops.Request{readiness.Once, readiness.Edge, readiness.Level} {
			r := newRing(ring.Config{})
			zero, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			require.NoError(t, err)
			closeAtEnd(t, zero)
			id := submit(t, r, kind(zero, readiness.In))
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			assert.True(t, readiness.Of(&c).Has(readiness.In))
			stillThere := r.Cancel(id) == nil
			require.Equal(t, c.More, stillThere)
			for c.More {
				c = takeOne(t, r)
			}
			stillWorks(t, r)
		}
	})
}

// Change of one that is in the kernel, idle, in the queue and gone.
func TestChange(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		skipsChanges(t, r)
		a, b := socketpair(t, 0)
		write(t, b, "x")
		id := submit(t, r, readiness.Level(a, readiness.In).WithTag("poll"))
		require.Equal(t, "poll", takeOne(t, r).Tag) // idle now
		submit(t, r, readiness.Change(id, readiness.Out).WithTag("change"))
		all := byTag(t, take(t, r, 2))
		c := all["change"]
		require.NoError(t, c.Err())
		c = all["poll"]
		require.Equal(t, readiness.Out, readiness.Of(&c))

		// From the queue, with the change behind its target.
		q := queue(t, r, readiness.Once(a, readiness.Pri).WithTag("queued"))
		queue(t, r, readiness.Change(q, readiness.In).WithTag("change"))
		for {
			c = takeOne(t, r)
			if c.Tag == "queued" {
				require.Equal(t, readiness.In, readiness.Of(&c))
				break
			}
			require.NoError(t, c.Err())
		}
		require.NoError(t, r.Cancel(id))
		for c = takeOne(t, r); c.More || c.Tag != "poll"; c = takeOne(t, r) {
		}
		submit(t, r, readiness.Change(id, readiness.In))
		for c = takeOne(t, r); c.Code != ops.CodePollUpdate || c.Err() == nil; c = takeOne(t, r) {
		}
		require.ErrorIs(t, c.Err(), unix.ENOENT)
	})
}

// A change is no member of a chain: the kernel would know of it, and the Ring, which arms
// polls again, would not.
func TestPollChangeInChain(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		change := readiness.Change(submit(t, r, readiness.Level(in, readiness.In)), readiness.Out)
		for _, group := range [][]ops.Request{ops.Chain(ops.Nop(), change), ops.HardChain(change, ops.Nop())} {
			err := r.SubmitAll(group, nil)
			require.ErrorIs(t, err, ops.ErrInvalid)
			require.ErrorContains(t, err, "poll update")
		}
		require.Equal(t, 1, r.Stats().Pending)
	})
}
