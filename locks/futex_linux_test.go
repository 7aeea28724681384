package locks_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// wakeWhenWaiting wakes word until somebody was woken.
func wakeWhenWaiting(t *testing.T, r *ring.Ring, word *atomic.Uint32, mask uint32) {
	t.Helper()
	eventually(t, "somebody is woken", func() bool {
		c := do(t, r, locks.FutexWake(word, 1, mask))
		return c.N() == 1
	})
}

func TestFutex(t *testing.T) {
	r := newRing(t, ring.Config{})
	waker := newRing(t, ring.Config{})
	mem, _ := newMapping(t)
	word, err := locks.WordAt(mem)
	require.NoError(t, err)

	_, err = r.Do(context.Background(), locks.FutexWait(word, 1, locks.MatchAny))
	require.ErrorIs(t, err, unix.EAGAIN)
	submit(t, r, locks.FutexWait(word, 0, 2))
	pending(t, r)
	c := do(t, waker, locks.FutexWake(word, 1, 4))
	require.Zero(t, c.N(), "another mask")
	wakeWhenWaiting(t, waker, word, 2)
	c = wait(t, r)
	require.NoError(t, c.Err())

	_, err = r.Do(context.Background(), locks.FutexWait(word, 0, locks.MatchAny).WithTimeout(5*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	id := submit(t, r, locks.FutexWait(word, 0, locks.MatchAny))
	require.NoError(t, r.Cancel(id))
	c = wait(t, r)
	require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	_, err = locks.WordAt(mem[:3])
	require.ErrorIs(t, err, ops.ErrInvalid)
}

func TestFutexWaitv(t *testing.T) {
	if !testkit.KernelHas("5.16") {
		t.Skip("needs Linux 5.16")
	}
	r := newRing(t, ring.Config{})
	waker := newRing(t, ring.Config{})
	words := []*atomic.Uint32{new(atomic.Uint32), new(atomic.Uint32), new(atomic.Uint32)}
	_, err := r.Do(context.Background(), locks.FutexWaitv(words, []uint32{0, 1, 0}))
	require.ErrorIs(t, err, unix.EAGAIN)
	submit(t, r, locks.FutexWaitv(words, []uint32{0, 0, 0}))
	pending(t, r)
	wakeWhenWaiting(t, waker, words[1], locks.MatchAny)
	c := wait(t, r)
	require.NoError(t, c.Err())
	require.EqualValues(t, 1, c.Res)
}
