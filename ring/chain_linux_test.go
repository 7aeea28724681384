package ring_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// submitAll starts a group and tags its members 0, 1, 2 and so on.
func submitAll(t testing.TB, r *ring.Ring, reqs []ops.Request) []ops.ID {
	t.Helper()
	ids := make([]ops.ID, len(reqs))
	for i := range reqs {
		reqs[i].Tag = i
	}
	require.NoError(t, r.SubmitAll(reqs, ids))
	return ids
}

// results takes n completions and returns their errors by tag, and in which
// order they came.
func results(t testing.TB, r *ring.Ring, n int) (errs []error, order []int) {
	t.Helper()
	errs = make([]error, n)
	for _, c := range take(t, r, n) {
		errs[c.Tag.(int)] = c.Err()
		order = append(order, c.Tag.(int))
	}
	return errs, order
}

func TestChainRunsInOrder(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		buf := make([]byte, 4)
		submitAll(t, r, ops.Chain(
			ops.Write(out, []byte("ab"), ops.Current),
			ops.Write(out, []byte("cd"), ops.Current),
			ops.Read(in, buf, ops.Current),
			ops.Nop()))
		errs, order := results(t, r, 4)
		assert.Equal(t, make([]error, 4), errs)
		assert.Equal(t, []int{0, 1, 2, 3}, order)
		assert.Equal(t, "abcd", string(buf))
	})
}

// A failure, and a short transfer, breaks a soft chain and not a hard one
// (trap 20).
func TestChainBreaks(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for name, first := range map[string]func(in, out int) ops.Request{
			"failed": func(_, _ int) ops.Request { return ops.Read(1<<30, make([]byte, 8), 0) },
			"short": func(in, out int) ops.Request {
				write(t, out, "xy")
				return ops.Read(in, make([]byte, 8), ops.Current)
			},
			"end of file": func(in, out int) ops.Request {
				require.NoError(t, unix.Close(out))
				return ops.Read(in, make([]byte, 8), ops.Current)
			},
			"late": func(in, _ int) ops.Request {
				return ops.Read(in, make([]byte, 8), ops.Current).WithTimeout(moment)
			},
		} {
			r := newRing(ring.Config{})
			in, out := pipe(t)
			submitAll(t, r, ops.Chain(first(in, out), ops.Nop(), ops.Nop()))
			errs, order := results(t, r, 3)
			assert.ErrorIs(t, errs[1], ops.ErrCanceled, name)
			assert.ErrorIs(t, errs[2], ops.ErrCanceled, name)
			assert.Equal(t, []int{0, 1, 2}, order)
			if name == "late" {
				assert.ErrorIs(t, errs[0], ops.ErrTimeout)
			}

			in, out = pipe(t)
			submitAll(t, r, ops.HardChain(first(in, out), ops.Nop(), ops.Nop()))
			errs, order = results(t, r, 3)
			assert.NoError(t, errs[1], name)
			assert.NoError(t, errs[2], name)
			assert.Equal(t, []int{0, 1, 2}, order)
		}
	})
}

// A timer is a step like others: its chain goes on when it has run out, and the
// time counts from when its turn came.
func TestChainWithTimers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		before := time.Now()
		submitAll(t, r, ops.Chain(
			ops.Timer(moment), ops.Timer(moment), ops.TimerAt(before.Add(moment/2)), ops.Timer(0), ops.Timer(-1), ops.Nop()))
		errs, order := results(t, r, 6)
		assert.Equal(t, make([]error, 6), errs)
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
		assert.GreaterOrEqual(t, time.Since(before), 2*moment)

		// One that is cancelled, and one that takes too long.
		ids := submitAll(t, r, ops.Chain(ops.Nop(), ops.Timer(time.Hour), ops.Nop()))
		takeOne(t, r)
		require.NoError(t, r.Cancel(ids[1]))
		var got []error
		for _, c := range take(t, r, 2) {
			got = append(got, c.Err())
		}
		assert.ErrorIs(t, got[0], ops.ErrCanceled)
		assert.ErrorIs(t, got[1], ops.ErrCanceled)

		submitAll(t, r, ops.Chain(ops.Timer(time.Hour).WithTimeout(moment), ops.Nop()))
		errs, _ = results(t, r, 2)
		assert.ErrorIs(t, errs[0], ops.ErrTimeout)
		assert.ErrorIs(t, errs[1], ops.ErrCanceled)

		submitAll(t, r, ops.Chain(ops.Timer(1<<63-1).WithTimeout(moment), ops.Nop())) // trap 39
		errs, _ = results(t, r, 2)
		assert.ErrorIs(t, errs[0], ops.ErrTimeout)
	})
}

// A chain is handed over whole, however little room there is (trap 21): the
// kernel cuts it where a submission ends.
func TestChainsStayWhole(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const entries = 8
		r := newRing(ring.Config{Entries: entries})
		in, out := pipe(t)
		for round := range 60 {
			for range round % entries { // what takes up room before it
				queue(t, r, ops.Nop().WithTag(-1))
			}
			n := 2 + round%(entries-1)
			want := &bytes.Buffer{}
			reqs := make([]ops.Request, n)
			for i := range reqs {
				// Each reads what the one before it has written.
				text := []byte{byte('a' + i)}
				reqs[i] = ops.Write(out, text, ops.Current).WithTag(i)
				want.Write(text)
			}
			require.NoError(t, r.QueueAll(ops.Chain(reqs...), nil))
			take(t, r, n+round%entries)
			got := make([]byte, 2*entries)
			k, err := unix.Read(in, got)
			require.NoError(t, err)
			require.Equal(t, want.String(), string(got[:k]))
		}
	})
}

// Goroutines that submit chains at the same time do not cut each other's
// (trap 21).
func TestChainsStayWholeAmongGoroutines(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 64})
		var wg sync.WaitGroup
		for g := range 8 {
			in, out := pipe(t)
			before, behind := pipe(t)
			wg.Go(func() {
				for i := range 150 {
					if g%2 == 0 {
						_, _ = r.Do(context.Background(), ops.Nop())
						continue
					}
					reqs := ops.Chain(
						ops.Read(in, make([]byte, 1), ops.Current),
						ops.Nop(), ops.Nop(), ops.Write(behind, []byte{byte(i)}, ops.Current))
					for j := range reqs {
						reqs[j].Tag = [3]int{g, i, j}
					}
					if !assert.NoError(t, r.SubmitAll(reqs, nil)) {
						return
					}
					_, err := r.Do(context.Background(), ops.Nop())
					assert.NoError(t, err)
					assert.Zero(t, inPipe(t, before), "the end of a chain ran ahead of its beginning")
					_, err = unix.Write(out, []byte("x"))
					assert.NoError(t, err)
					c, err := r.Do(context.Background(), ops.Read(before, make([]byte, 1), ops.Current))
					assert.NoError(t, err)
					assert.Equal(t, 1, c.N())
				}
			})
		}
		all := serve(t, r, wg.Wait)
		for len(all) < 4*150*4 {
			all = append(all, takeOne(t, r))
		}
		for i := range all {
			require.NoError(t, all[i].Err())
		}
	})
}

// inPipe returns how many bytes are in a pipe.
func inPipe(t testing.TB, fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	assert.NoError(t, err)
	return n
}

func TestChainTooLong(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 4})
		err := r.SubmitAll(ops.Chain(make11()[:5]...), nil)
		require.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "Config.Entries")
		submitAll(t, r, ops.Chain(make11()[:4]...))
		take(t, r, 4)
		// Several chains in one call may be longer together.
		require.NoError(t, r.SubmitAll(append(append(ops.Chain(make11()[:4]...), ops.Nop()), ops.Chain(make11()[:4]...)...), nil))
		take(t, r, 9)
	})
}

// Timeouts of members count from Submit, wherever the member is.
func TestChainTimeouts(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		read := func() ops.Request { return ops.Read(in, make([]byte, 1), ops.Current) }
		submitAll(t, r, ops.Chain(read(), read().WithTimeout(moment), ops.Nop()))
		takeNone(t, r)
		takeNone(t, r) // its time has passed, but its turn has not come
		write(t, out, "x")
		errs, _ := results(t, r, 3)
		assert.NoError(t, errs[0])
		assert.ErrorIs(t, errs[1], ops.ErrTimeout)
		assert.ErrorIs(t, errs[2], ops.ErrCanceled)
	})
}

// The last member may be multishot: it goes on as it would alone.
func TestChainEndsInMultishot(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, kind := range []func(int, readiness.Events) ops.Request{readiness.Level, readiness.Edge} {
			r := newRing(ring.Config{})
			in, out := pipe(t)
			ids := submitAll(t, r, ops.Chain(ops.Nop(), kind(in, readiness.In)))
			c := takeOne(t, r)
			require.Equal(t, 0, c.Tag)
			for range 3 {
				write(t, out, "x")
				c = takeOne(t, r)
				require.NoError(t, c.Err())
				require.True(t, c.More, fmt.Sprint(kind(0, 0).Mode))
				drainPipe(t, in)
			}
			require.NoError(t, r.Cancel(ids[1]))
			for c = takeOne(t, r); c.More; c = takeOne(t, r) {
			}
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
	})
}

// drainPipe reads all there is.
func drainPipe(t testing.TB, fd int) {
	t.Helper()
	for inPipe(t, fd) > 0 {
		_, err := unix.Read(fd, make([]byte, 4096))
		require.NoError(t, err)
	}
}

// A chain with a member on an O_NONBLOCK descriptor that is not ready waits for
// it, and stays in order (trap 10).
func TestChainOnNonblockingDescriptor(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for name, link := range map[string]func(...ops.Request) []ops.Request{"soft": ops.Chain, "hard": ops.HardChain} {
			r := newRing(ring.Config{})
			in, out := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
			copyIn, copyOut := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
			// The kernel carries splices out in workers, which do not wait.
			submitAll(t, r, link(ops.Nop(), ops.Splice(in, ops.Current, copyOut, ops.Current, 1, 0), ops.Nop(), ops.Nop()))
			c := takeOne(t, r)
			require.Equal(t, 0, c.Tag)
			takeNone(t, r) // nothing behind it has started
			write(t, out, "x")
			errs, order := results2(t, r, 3)
			assert.Equal(t, make([]error, 3), errs, name)
			assert.Equal(t, []int{1, 2, 3}, order, name)
			assert.Equal(t, 1, inPipe(t, copyIn))
		}
	})
}

// A soft link that breaks ends the chain, also behind hard links further on; one
// that fails before a hard link does not.
func TestChainOfBothLinks(t *testing.T) {
	needs(t, "5.17") // an invalid descriptor is found too early before
	eachMode(t, func(t *testing.T, newRing maker) {
		fails := ops.Read(1<<30, nil, 0)
		for _, c := range []struct {
			links  []ops.Link
			failed int
			ended  int // how many are carried out
		}{
			{[]ops.Link{ops.Soft, ops.Hard, ops.Hard, ops.Unlinked}, 0, 1},
			{[]ops.Link{ops.Hard, ops.Soft, ops.Hard, ops.Unlinked}, 0, 4},
			{[]ops.Link{ops.Hard, ops.Soft, ops.Hard, ops.Unlinked}, 1, 2},
			{[]ops.Link{ops.Hard, ops.Hard, ops.Soft, ops.Unlinked}, 1, 4},
			{[]ops.Link{ops.Soft, ops.Soft, ops.Hard, ops.Unlinked}, 2, 4},
			{[]ops.Link{ops.Soft, ops.Soft, ops.Hard, ops.Unlinked}, 1, 2},
		} {
			r := newRing(ring.Config{})
			reqs := make([]ops.Request, len(c.links))
			for i := range reqs {
				reqs[i] = ops.Nop()
				if i == c.failed {
					reqs[i] = fails
				}
				reqs[i].Link = c.links[i]
			}
			submitAll(t, r, reqs)
			errs, order := results(t, r, len(reqs))
			assert.Equal(t, []int{0, 1, 2, 3}, order)
			for i, err := range errs {
				switch {
				case i == c.failed:
					assert.ErrorIs(t, err, unix.EBADF)
				case i < c.ended:
					assert.NoError(t, err, "%v", c)
				default:
					assert.ErrorIs(t, err, ops.ErrCanceled, "%v", c)
				}
			}
		}
	})
}

// results2 is results for the n members behind the first.
func results2(t testing.TB, r *ring.Ring, n int) (errs []error, order []int) {
	t.Helper()
	errs = make([]error, n)
	for _, c := range take(t, r, n) {
		errs[c.Tag.(int)-1] = c.Err()
		order = append(order, c.Tag.(int))
	}
	return errs, order
}
