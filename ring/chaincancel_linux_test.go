package ring_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Cancel of a member that the kernel has started, that waits for its turn there,
// and that has ended (trap 26).
func TestChainCancel(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for member := range 3 {
			r := newRing(ring.Config{})
			in, out := pipe(t)
			read := func() ops.Request { return ops.Read(in, make([]byte, 1), ops.Current) }
			write(t, out, "x")
			ids := submitAll(t, r, ops.Chain(read(), read(), read(), ops.Nop()))
			c := takeOne(t, r)
			require.Equal(t, 0, c.Tag)
			require.NoError(t, c.Err())
			if member == 0 {
				require.ErrorIs(t, r.Cancel(ids[0]), ops.ErrNotFound)
				require.NoError(t, r.Cancel(ids[1]))
			} else {
				require.NoError(t, r.Cancel(ids[member]))
			}
			if member == 2 {
				takeNone(t, r) // its turn has not come
				write(t, out, "x")
				c = takeOne(t, r)
				require.Equal(t, 1, c.Tag)
				require.NoError(t, c.Err())
			}
			for _, c := range take(t, r, 3-member/2) {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			}
		}
	})
}

// Cancel of a member whose turn comes at that moment (trap 26).
func TestChainCancelRacesWithItsTurn(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		never, _ := pipe(t)
		for i := range 1000 {
			ids := submitAll(t, r, ops.Chain(
				ops.Read(in, make([]byte, 1), ops.Current),
				ops.Read(never, make([]byte, 1), ops.Current)))
			require.NoError(t, r.Flush())
			var wg sync.WaitGroup
			wg.Go(func() {
				for range i % 100 {
					unix.Getpid()
				}
				_, _ = unix.Write(out, []byte("x"))
			})
			require.NoError(t, r.Cancel(ids[1]))
			errs, _ := results(t, r, 2)
			require.NoError(t, errs[0], "round %d", i)
			require.ErrorIs(t, errs[1], ops.ErrCanceled, "round %d", i)
			wg.Wait()
		}
	})
}

// A chain that is still queued is cut where it is cancelled.
func TestChainCancelInQueue(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for member := range 3 {
			r := newRing(ring.Config{InFlight: 1})
			in, out := pipe(t)
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag("blocks"))
			ids := submitAll(t, r, ops.Chain(ops.Nop(), ops.Nop(), ops.Nop()))
			require.NoError(t, r.Cancel(ids[member]))
			for _, c := range take(t, r, 3-member) {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			}
			takeNone(t, r)
			write(t, out, "x")
			for _, c := range take(t, r, 1+member) {
				require.NoError(t, c.Err())
			}
			stillWorks(t, r)
		}
	})
}

// Cancel of a chain whose first member waits for its descriptor to become ready:
// each member ends.
func TestChainCancelWhileItWaitsForReadiness(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for member := range 3 {
			for _, how := range []string{"cancel", "timeout", "close"} {
				r := newRing(ring.Config{})
				in, _ := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
				_, copyOut := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
				if member > 0 && isPortable(r) {
					continue // there the whole chain is started, and a member ends when its turn comes
				}
				reqs := ops.Chain(ops.Splice(in, ops.Current, copyOut, ops.Current, 1, 0), ops.Nop(), ops.Nop())
				if how == "timeout" {
					reqs[member].Timeout = 2 * moment
				}
				ids := submitAll(t, r, reqs)
				if how != "timeout" {
					takeNone(t, r) // it waits now
				}
				if how == "close" {
					require.NoError(t, r.Close())
					require.Len(t, drain(t, r), 3)
					break
				}
				if how == "cancel" {
					require.NoError(t, r.Cancel(ids[member]))
				}
				for _, c := range take(t, r, 3-member) {
					require.Error(t, c.Err())
				}
				if member > 0 {
					require.NoError(t, r.Cancel(ids[0]))
					take(t, r, member)
				}
			}
		}
	})
}
