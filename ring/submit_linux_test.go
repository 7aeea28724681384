package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// More requests than entries of the submission ring (trap 5), and more than the
// window lets into the kernel.
func TestSubmitMoreThanFits(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, cfg := range []ring.Config{
			{Entries: 1}, {Entries: 2, InFlight: 1}, {Entries: 8, InFlight: 3}, {Entries: 3, InFlight: 100}, {},
		} {
			const all = 2000
			r := newRing(cfg)
			for i := range all {
				if i%3 == 0 {
					submit(t, r, ops.Nop().WithTag(i))
				} else {
					queue(t, r, ops.Nop().WithTag(i))
				}
			}
			for i, c := range take(t, r, all) {
				require.Equal(t, i, c.Tag, "%+v", cfg)
			}
		}
	})
}

// Each number of entries that is not a power of two, or at the limit, works.
func TestEntries(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, entries := range []int{1, 3, 100, 4097, ring.MaxEntries} {
			r := newRing(ring.Config{Entries: entries})
			info := r.Info()
			assert.GreaterOrEqual(t, info.Entries, entries)
			assert.Less(t, info.Entries, 2*entries+1)
			assert.GreaterOrEqual(t, info.CompletionEntries, 2*entries)
			stillWorks(t, r)
		}
	})
}

// Queue stages, and Flush starts.
func TestQueueAndFlush(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := socketpair(t, 0) // before 6.4 the kernel leaves pipes to its workers
		queue(t, r, ops.Send(out, []byte("x"), 0))
		time.Sleep(moment)
		assert.False(t, readable(t, in, 0), "Queue started the request")
		require.NoError(t, r.Flush())
		assert.True(t, readable(t, in, 0), "Flush did not start the request")
		takeOne(t, r)
		require.NoError(t, r.Flush())

		// Submit on a shared Ring starts what was queued before it as well.
		queue(t, r, ops.Send(out, []byte("x"), 0))
		submit(t, r, ops.Nop())
		take(t, r, 2)
		require.NoError(t, r.Close())
		assert.ErrorIs(t, r.Flush(), ops.ErrClosed)
	})
}

// Flush by another goroutine than the owner ends the owner's sleep, not its Wait.
func TestFlushFromElsewhere(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		join := during(t, func() {
			time.Sleep(moment)
			_, err := r.Queue(ops.Nop().WithTag("late"))
			assert.NoError(t, err)
			assert.NoError(t, r.Flush())
		})
		c := takeOne(t, r)
		assert.Equal(t, "late", c.Tag)
		join()
	})
}

// Submit from another goroutine starts while the owner sleeps.
func TestSubmitFromElsewhere(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		const all = 1000
		join := during(t, func() {
			for i := range all {
				_, err := r.Submit(ops.Nop().WithTag(i))
				assert.NoError(t, err)
				if i%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
		for i := range all {
			c := takeOne(t, r)
			require.Equal(t, i, c.Tag)
		}
		join()
	})
}

// At the limit Submit fails, and nothing of the call was accepted.
func TestErrFull(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 10})
		ids := make([]ops.ID, 11)
		err := r.SubmitAll(make11(), ids)
		require.ErrorIs(t, err, ops.ErrFull)
		assert.ErrorContains(t, err, "11")
		assert.Equal(t, make([]ops.ID, 11), ids, "IDs were given out")
		assert.Zero(t, r.Stats().Pending)
		takeNone(t, r)

		require.NoError(t, r.SubmitAll(make11()[:10], ids))
		for _, f := range []func(ops.Request) (ops.ID, error){r.Submit, r.Queue} {
			id, err := f(ops.Nop())
			require.ErrorIs(t, err, ops.ErrFull)
			assert.ErrorContains(t, err, "nop")
			assert.Zero(t, id)
		}
		require.ErrorIs(t, r.SubmitAll(ops.Chain(ops.Nop(), ops.Nop()), nil), ops.ErrFull)
		require.ErrorIs(t, r.QueueAll(make11()[:1], nil), ops.ErrFull)
		for i, c := range take(t, r, 10) {
			assert.Equal(t, ids[i], c.ID)
		}
		// Taken completions make room, one by one.
		require.NoError(t, r.SubmitAll(make11()[:10], nil))
		takeOne(t, r)
		submit(t, r, ops.Nop())
		_, err = r.Submit(ops.Nop())
		require.ErrorIs(t, err, ops.ErrFull)
		take(t, r, 10)
	})
}

func make11() []ops.Request {
	reqs := make([]ops.Request, 11)
	for i := range reqs {
		reqs[i] = ops.Nop().WithTag(i)
	}
	return reqs
}

// A request in the middle that makes no sense refuses all.
func TestSubmitAllOrNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 8})
		for name, reqs := range map[string][]ops.Request{
			"zero request":  {ops.Nop(), {}, ops.Nop()},
			"open chain":    {ops.Nop(), {Code: ops.CodeNop, FD: -1, Link: ops.Soft}},
			"long chain":    ops.Chain(make11()[:9]...),
			"invalid chain": ops.Chain(ops.Nop(), ops.Read(0, nil, -2), ops.Nop()),
		} {
			ids := make([]ops.ID, len(reqs))
			for _, f := range []func([]ops.Request, []ops.ID) error{r.SubmitAll, r.QueueAll} {
				require.ErrorIs(t, f(reqs, ids), ops.ErrInvalid, name)
				assert.Equal(t, make([]ops.ID, len(reqs)), ids)
				assert.Zero(t, r.Stats().Pending)
			}
		}
		err := r.SubmitAll([]ops.Request{ops.Nop(), {}, ops.Nop()}, nil)
		assert.ErrorContains(t, err, "request 2 of 3")
		err = r.SubmitAll(make11(), make([]ops.ID, 10))
		require.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "room for 10 IDs")

		require.NoError(t, r.SubmitAll(nil, nil))
		require.NoError(t, r.SubmitAll(nil, make([]ops.ID, 3)))
		takeNone(t, r)
		require.NoError(t, r.SubmitAll(ops.Chain(make11()[:8]...), nil))
		take(t, r, 8)
	})
}

// IDs name slot and generation: they differ as long as the Ring lives.
func TestIDsAreNotReused(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 4})
		seen := map[ops.ID]bool{}
		for range 300 {
			for range 4 {
				id := queue(t, r, ops.Nop())
				require.False(t, seen[id])
				seen[id] = true
			}
			take(t, r, 4)
		}
	})
}

// A Request is a value: the caller may change and reuse it at once, and the
// slice as well.
func TestRequestsAreCopied(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		reqs := ops.Chain(ops.Nop().WithTag(1), ops.Nop().WithTag(2))
		require.NoError(t, r.QueueAll(reqs, nil))
		clear(reqs)
		req := ops.Nop().WithTag(3)
		queue(t, r, req)
		req.Tag = 4
		queue(t, r, req)
		all := byTag(t, take(t, r, 4))
		for i := range 4 {
			assert.Equal(t, ops.CodeNop, all[i+1].Code)
		}
	})
}
