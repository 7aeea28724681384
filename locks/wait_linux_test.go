package locks_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// threads returns how many threads the process has.
func threads(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(entries)
}

// A cancelled request leaves the kernel, and its thread the process: traps 36 and 37.
func TestCancelEndsABlockedLock(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.Flock(a, locks.Exclusive))
	for range 20 {
		id := submit(t, r, locks.Flock(b, locks.Exclusive))
		eventually(t, "the request blocks", func() bool { return r.Locks().Blocked == 1 })
		require.NoError(t, r.Cancel(id))
		c := wait(t, r)
		require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	}
	eventually(t, "the thread ends", func() bool { return r.Locks().Threads == 0 })
	// Nothing was leaked: the lock is free once its holder lets go.
	do(t, r, locks.Flock(a, locks.Unlock))
	do(t, r, locks.Flock(b, locks.Exclusive))
}

func TestCancelEndsAQueuedLock(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b, c := open(t, path), open(t, path), open(t, path)
	do(t, r, locks.Flock(a, locks.Exclusive))
	first := submit(t, r, locks.Flock(b, locks.Exclusive).WithTag("first"))
	second := submit(t, r, locks.Flock(c, locks.Exclusive).WithTag("second"))
	require.NoError(t, r.Cancel(second))
	got := wait(t, r)
	require.Equal(t, "second", got.Tag)
	require.ErrorIs(t, got.Err(), ops.ErrCanceled)
	require.NoError(t, r.Cancel(first))
	got = wait(t, r)
	require.Equal(t, "first", got.Tag)
	require.ErrorIs(t, got.Err(), ops.ErrCanceled)
}

// Locks that are granted while they are being cancelled are either reported, or not
// taken: never lost. Trap 24.
func TestCancelRacesWithTheGrant(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	granted := 0
	for i := range 300 {
		do(t, r, locks.Flock(a, locks.Exclusive))
		id := submit(t, r, locks.Flock(b, locks.Exclusive))
		if i%3 == 0 {
			eventually(t, "the request blocks", func() bool { return r.Locks().Blocked == 1 })
		}
		require.NoError(t, unix.Flock(a, unix.LOCK_UN))
		time.Sleep(time.Duration(i%60) * time.Microsecond)
		_ = r.Cancel(id) // it may have ended already
		c := wait(t, r)
		if c.Err() == nil {
			granted++
			do(t, r, locks.Flock(b, locks.Unlock))
			continue
		}
		require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		// Whoever was told that he has no lock must not have it.
		require.NoError(t, unix.Flock(a, unix.LOCK_EX|unix.LOCK_NB))
	}
	t.Logf("%d of 300 were granted", granted)
}

func TestTimeoutOfALock(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.Flock(a, locks.Exclusive))
	_, err := r.Do(context.Background(), locks.Flock(b, locks.Exclusive).WithTimeout(10*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = r.Do(ctx, locks.Flock(b, locks.Exclusive))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Close ends what waits, and the locks that are held stay with their descriptors.
func TestCloseEndsWaitingLocks(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	path := newFile(t)
	a, b, c := open(t, path), open(t, path), open(t, path)
	do(t, r, locks.Flock(a, locks.Exclusive))
	submit(t, r, locks.Flock(b, locks.Exclusive))
	submit(t, r, locks.Flock(c, locks.Shared))
	eventually(t, "one blocks", func() bool { return r.Locks().Blocked == 1 })
	require.NoError(t, r.Close())
	for range 2 {
		got := wait(t, r)
		require.ErrorIs(t, got.Err(), ops.ErrClosed)
	}
	eventually(t, "threads end", func() bool { return r.Locks().Threads == 0 })
}

// Two rings that lock two files in opposite order end by timeout.
func TestDeadlockOfTwoRingsTimesOut(t *testing.T) {
	x, y := newFile(t), newFile(t)
	type party struct {
		r             *ring.Ring
		first, second int
	}
	parties := []party{
		{newRing(t, ring.Config{}), open(t, x), open(t, y)},
		{newRing(t, ring.Config{}), open(t, y), open(t, x)},
	}
	for _, p := range parties {
		do(t, p.r, locks.Flock(p.first, locks.Exclusive))
	}
	for _, p := range parties {
		submit(t, p.r, locks.Flock(p.second, locks.Exclusive).WithTimeout(50*time.Millisecond))
	}
	for _, p := range parties {
		c := wait(t, p.r)
		require.ErrorIs(t, c.Err(), ops.ErrTimeout)
		require.ErrorContains(t, c.Err(), "flock fd ")
		require.ErrorContains(t, c.Err(), "timed out")
	}
}

// A descriptor that was closed, and perhaps names another file by now, is not locked.
func TestClosedDescriptorIsNotLocked(t *testing.T) {
	r := newRing(t, ring.Config{})
	path, other := newFile(t), newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.Flock(a, locks.Exclusive))
	submit(t, r, locks.Flock(b, locks.Exclusive).WithTag("first"))
	eventually(t, "the first blocks", func() bool { return r.Locks().Blocked == 1 })
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	submit(t, r, locks.Flock(fd, locks.Exclusive).WithTag("reused"))
	o, err := unix.Open(other, unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Dup3(o, fd, unix.O_CLOEXEC))
	defer unix.Close(o)
	defer unix.Close(fd)
	do(t, r, locks.Flock(a, locks.Unlock))
	// That it has failed may be known before the first one's thread has run.
	got := map[any]error{}
	for range 2 {
		c := wait(t, r)
		got[c.Tag] = c.Err()
	}
	require.Contains(t, got, "first")
	require.NoError(t, got["first"])
	require.ErrorIs(t, got["reused"], unix.EBADF)
	do(t, r, locks.Flock(b, locks.Unlock))
	_, err = r.Do(context.Background(), locks.Flock(-5, locks.Shared))
	require.ErrorIs(t, err, unix.EBADF)
}
