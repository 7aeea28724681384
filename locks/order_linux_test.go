package locks_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Grants come in order of priority, and of arrival within one.
func TestGrantsFollowPriority(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	holder := open(t, path)
	do(t, r, locks.Flock(holder, locks.Exclusive))
	arrivals := []ops.Priority{ops.Normal, ops.Lowest, ops.High, ops.Normal, ops.Highest, ops.Low, ops.High, ops.Highest}
	for i, p := range arrivals {
		submit(t, r, locks.Flock(open(t, path), locks.Exclusive).WithPriority(p).WithTag(i))
	}
	// Those that were overtaken leave the kernel.
	eventually(t, "one is blocked", func() bool { return r.Locks().Blocked == 1 && r.Locks().Preempted != 0 })
	time.Sleep(20 * time.Millisecond)
	do(t, r, locks.Flock(holder, locks.Unlock))
	var order []int
	for range arrivals {
		c := wait(t, r)
		require.NoError(t, c.Err())
		order = append(order, c.Tag.(int))
		do(t, r, locks.Flock(int(c.Target), locks.Unlock))
	}
	require.Equal(t, []int{4, 7, 2, 6, 0, 3, 5, 1}, order)
}

// Shared requests are granted together, and do not overtake an exclusive one.
func TestSharedDoNotOvertakeExclusive(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	reader, writer := open(t, path), open(t, path)
	do(t, r, locks.Flock(reader, locks.Shared))
	submit(t, r, locks.Flock(writer, locks.Exclusive).WithTag("writer"))
	for range 3 {
		submit(t, r, locks.Flock(open(t, path), locks.Shared).WithTag("late"))
	}
	pending(t, r)
	// A more urgent one may overtake.
	urgent := do(t, r, locks.Flock(open(t, path), locks.Shared).WithPriority(ops.High))
	do(t, r, locks.Flock(int(urgent.Target), locks.Unlock))
	do(t, r, locks.Flock(reader, locks.Unlock))
	c := wait(t, r)
	require.Equal(t, "writer", c.Tag)
	pending(t, r)
	do(t, r, locks.Flock(writer, locks.Unlock))
	for range 3 {
		c = wait(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, "late", c.Tag)
	}
}

// A writer gets its turn although readers come without end and overlap.
func TestWritersDoNotStarve(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	var stop atomic.Bool
	done := make(chan error)
	const readers = 6
	for range readers {
		fd := open(t, path)
		go func() {
			var err error
			for err == nil && !stop.Load() {
				if _, err = r.Do(t.Context(), locks.Flock(fd, locks.Shared)); err == nil {
					time.Sleep(time.Millisecond)
					_, err = r.Do(t.Context(), locks.Flock(fd, locks.Unlock))
				}
			}
			done <- err
		}()
	}
	writer := open(t, path)
	for range 20 {
		do(t, r, locks.Flock(writer, locks.Exclusive))
		do(t, r, locks.Flock(writer, locks.Unlock))
	}
	stop.Store(true)
	for range readers {
		require.NoError(t, <-done)
	}
}

// Changing a lock that is held does not wait behind those who wait for it.
func TestConversionPassesTheQueue(t *testing.T) {
	r := newRing(t, ring.Config{})
	for name, lock := range map[string]func(fd int, t ops.LockType) ops.Request{
		"flock": locks.Flock,
		"ofd":   func(fd int, t ops.LockType) ops.Request { return locks.OFD(fd, t, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			holder, waiter := open(t, path), open(t, path)
			do(t, r, lock(holder, locks.Shared))
			submit(t, r, lock(waiter, locks.Exclusive))
			pending(t, r)
			do(t, r, lock(holder, locks.Shared))
			do(t, r, lock(holder, locks.Exclusive))
			pending(t, r)
			do(t, r, lock(holder, locks.Shared))
			do(t, r, lock(holder, locks.Unlock))
			c := wait(t, r)
			require.NoError(t, c.Err())
		})
	}
}
