package ring_test

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// tagged gives the members of a group their places as tags.
func tagged(group []ops.Request) []ops.Request {
	for i := range group {
		group[i].Tag = i
	}
	return group
}

// held returns a file, and one more descriptor of it that holds a lock.
func held(t testing.TB, content string) (fd, holder int) {
	fd, path := tempFile(t, content)
	holder, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	own(t, holder)
	require.NoError(t, unix.Flock(holder, unix.LOCK_EX))
	return fd, holder
}

func free(fd int) error {
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	return unix.Flock(fd, unix.LOCK_UN)
}

// outcomes returns how the members of a tagged group have ended.
func outcomes(t testing.TB, r *ring.Ring, n int) (all []error) {
	got := byTag(t, take(t, r, n))
	for i := range n {
		c := got[i]
		err := c.Err()
		for _, known := range []error{ops.ErrTimeout, ops.ErrCanceled, unix.EAGAIN, unix.EBADF, unix.EINTR} {
			if errors.Is(err, known) {
				err = known
			}
		}
		all = append(all, err)
	}
	return all
}

// A file is locked, read and unlocked by one chain, whose lock waits for another's.
func TestChainWithLock(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, link := range []func(...ops.Request) []ops.Request{ops.Chain, ops.HardChain} {
			fd, holder := held(t, "guarded")
			buf := make([]byte, 7)
			require.NoError(t, r.SubmitAll(tagged(link(
				ops.Nop(), locks.Flock(fd, locks.Exclusive), ops.Read(fd, buf, 0), locks.Flock(fd, locks.Unlock), ops.Fsync(fd),
			)), nil))
			c := takeOne(t, r)
			assert.Equal(t, 0, c.Tag)
			waits(t, r)
			require.NoError(t, unix.Flock(holder, unix.LOCK_UN))
			for i := 1; i < 5; i++ {
				c := takeOne(t, r)
				assert.Equal(t, i, c.Tag)
				assert.NoError(t, c.Err())
			}
			assert.Equal(t, "guarded", string(buf))
			assert.NoError(t, free(holder))
		}
	})
}

// A lock that is refused, cancelled or too late ends a soft chain, and no hard one.
func TestChainWithLockFails(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, hard := range []bool{false, true} {
			link, after := ops.Chain, ops.ErrCanceled
			if hard {
				link, after = ops.HardChain, nil
			}
			fd, holder := held(t, "")
			group := func(lock ops.Request) []ops.Request {
				return tagged(link(ops.Nop(), lock, ops.Nop(), locks.Flock(fd, locks.Unlock), ops.Nop()))
			}
			require.NoError(t, r.SubmitAll(group(locks.Try(locks.Flock(fd, locks.Exclusive))), nil))
			assert.Equal(t, []error{nil, unix.EAGAIN, after, after, after}, outcomes(t, r, 5))

			require.NoError(t, r.SubmitAll(group(locks.Flock(fd, locks.Exclusive).WithTimeout(moment)), nil))
			assert.Equal(t, []error{nil, ops.ErrTimeout, after, after, after}, outcomes(t, r, 5))

			ids := make([]ops.ID, 5)
			require.NoError(t, r.SubmitAll(group(locks.Flock(fd, locks.Exclusive)), ids))
			c := takeOne(t, r)
			assert.Equal(t, 0, c.Tag)
			waits(t, r)
			require.NoError(t, r.Cancel(ids[1]))
			for i := 1; i < 5; i++ {
				c := takeOne(t, r)
				assert.Equal(t, i, c.Tag)
				if i == 1 || !hard {
					assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
				} else {
					assert.NoError(t, c.Err())
				}
			}
			require.NoError(t, r.SubmitAll(group(locks.Flock(noFD, locks.Exclusive)), nil))
			assert.Equal(t, []error{nil, unix.EBADF, after, after, after}, outcomes(t, r, 5))
			require.NoError(t, unix.Flock(holder, unix.LOCK_UN))
			assert.NoError(t, free(holder))
		}
	})
}

// Those behind a lock that waits can be cancelled, and have timeouts: they and those
// behind them end when their turn comes. (trap 26)
func TestChainBehindLockIsCanceled(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, timeout := range []time.Duration{0, moment} {
			fd, holder := held(t, "")
			ids := make([]ops.ID, 4)
			require.NoError(t, r.SubmitAll(tagged(ops.Chain(
				locks.Flock(fd, locks.Exclusive), locks.Flock(fd, locks.Unlock), ops.Nop().WithTimeout(timeout), ops.Nop(),
			)), ids))
			waits(t, r) // the lock's turn has come
			want := error(ops.ErrTimeout)
			if timeout == 0 {
				want = ops.ErrCanceled
				require.NoError(t, r.Cancel(ids[2]))
			}
			waits(t, r)
			time.Sleep(2 * timeout)
			waits(t, r)
			require.NoError(t, unix.Flock(holder, unix.LOCK_UN))
			assert.Equal(t, []error{nil, nil, want, ops.ErrCanceled}, outcomes(t, r, 4))
			assert.NoError(t, free(holder))
		}
	})
}

// Close ends a chain whose lock waits.
func TestCloseWithLockInChain(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, link := range []func(...ops.Request) []ops.Request{ops.Chain, ops.HardChain} {
			r := newRing(ring.Config{})
			fd, holder := held(t, "")
			require.NoError(t, r.SubmitAll(link(ops.Nop(), locks.Flock(fd, locks.Exclusive), ops.Nop(), locks.Flock(fd, locks.Unlock)), nil))
			require.NoError(t, r.Close())
			assert.Len(t, drain(t, r), 4)
			require.NoError(t, unix.Flock(holder, unix.LOCK_UN))
			assert.NoError(t, free(holder))
		}
	})
}

// What a call returns is its result, EINTR too, and is not taken for a reason to
// repeat it.
func TestChainWithCalls(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ran := 0
		call := func(errno syscall.Errno) ops.Request {
			return fallback.Call(func() (int, error) {
				ran++
				if errno != 0 {
					return 0, errno
				}
				return 0, nil
			})
		}
		for range 20 {
			ran = 0
			require.NoError(t, r.SubmitAll(tagged(ops.Chain(call(0), call(0), ops.Nop(), call(unix.EINTR), call(0), ops.Nop())), nil))
			assert.Equal(t, []error{nil, nil, nil, unix.EINTR, ops.ErrCanceled, ops.ErrCanceled}, outcomes(t, r, 6))
			assert.Equal(t, 3, ran)
			require.NoError(t, r.SubmitAll(tagged(ops.HardChain(call(unix.EINTR), call(unix.EINTR), ops.Nop())), nil))
			assert.Equal(t, []error{unix.EINTR, unix.EINTR, nil}, outcomes(t, r, 3))
			assert.Equal(t, 5, ran)
		}
	})
}

// What is done at once leads to the next, as often as there are such members, and
// through a small window.
func TestChainOfInstantSources(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 1})
		fd, _ := tempFile(t, "")
		for n := 2; n < 20; n++ {
			group := make([]ops.Request, n)
			for i := range group {
				group[i] = locks.Flock(fd, locks.Unlock)
				if i%5 == 4 {
					group[i] = ops.Nop()
				}
			}
			require.NoError(t, r.SubmitAll(tagged(ops.Chain(group...)), nil))
			for _, err := range outcomes(t, r, n) {
				assert.NoError(t, err)
			}
		}
		for _, watch := range []ops.Request{signals.Once(unix.SIGUSR1), signals.Watch(unix.SIGUSR1)} {
			err := r.SubmitAll(ops.Chain(ops.Nop(), watch), nil)
			assert.ErrorContains(t, err, "cannot be part of a chain")
		}
	})
}

// Chains of all kinds of members at all priorities, some cancelled at random: the
// calls of each run in order, one after the other, and none behind a cancelled one.
func TestChainsWithSourcesAtRandom(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 3})
		seed := rand.Uint64()
		t.Log("seed", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		fd, _ := tempFile(t, "")
		for range 30 {
			total, ids := 0, []ops.ID{}
			for range 8 {
				at := new(atomic.Int32) // the last member that ran
				group := make([]ops.Request, 2+random.IntN(6))
				for i := range group {
					switch random.IntN(4) {
					case 0:
						group[i] = ops.Nop()
					case 1:
						group[i] = locks.Flock(fd, locks.Shared)
					case 2:
						group[i] = ops.Fsync(fd)
					default:
						group[i] = fallback.Call(func() (int, error) {
							if before := at.Swap(int32(i + 1)); int(before) > i {
								t.Errorf("member %d runs behind %d", i, before-1)
							}
							return 0, nil
						})
					}
				}
				group = ops.Chain(group...)
				p := ops.Priority(random.IntN(3) - 1)
				for i := range group {
					group[i].Priority = p
				}
				own := make([]ops.ID, len(group))
				require.NoError(t, r.SubmitAll(group, own))
				ids = append(ids, own...)
				total += len(group)
			}
			for range random.IntN(6) {
				_ = r.Cancel(ids[random.IntN(len(ids))])
			}
			seen := map[ops.ID]bool{}
			for _, c := range take(t, r, total) {
				assert.False(t, seen[c.ID])
				seen[c.ID] = true
				if c.Err() != nil {
					assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
				}
			}
		}
	})
}
