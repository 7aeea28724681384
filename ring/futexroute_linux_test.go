package ring

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
)

// futexByThreads makes r believe that its kernel has no futex operations, as those
// before 6.7.
func (r *Ring) futexByThreads() {
	for _, code := range []ops.Code{ops.CodeFutexWait, ops.CodeFutexWake, ops.CodeFutexWaitv} {
		r.sources[code] = r.pools.locks
	}
}

// Futexes work in the same way on kernels whose io_uring has none, in both modes.
func TestFutexWithoutOpcodes(t *testing.T) {
	for _, pinned := range []bool{false, true} {
		r, err := New(Config{Pinned: pinned})
		require.NoError(t, err)
		r.futexByThreads()
		for _, o := range r.Info().Operations {
			if o.Code == ops.CodeFutexWait || o.Code == ops.CodeFutexWake || o.Code == ops.CodeFutexWaitv {
				require.Equal(t, Emulated, o.Route)
			}
		}
		ctx := context.Background()
		words := []*atomic.Uint32{new(atomic.Uint32), new(atomic.Uint32)}
		word := new(atomic.Uint32)
		_, err = r.Do(ctx, locks.FutexWait(word, 1, locks.MatchAny))
		require.ErrorIs(t, err, unix.EAGAIN)
		_, err = r.Do(ctx, locks.FutexWaitv(words, []uint32{0, 1}))
		require.ErrorIs(t, err, unix.EAGAIN)
		_, err = r.Do(ctx, locks.FutexWait(word, 0, locks.MatchAny).WithTimeout(5*time.Millisecond))
		require.ErrorIs(t, err, ops.ErrTimeout)

		// Two that wait in one thread each, of which a mask tells one, and a vector.
		submit := func(req ops.Request, tag string) ops.ID {
			id, err := r.Submit(req.WithTag(tag))
			require.NoError(t, err)
			return id
		}
		canceled := submit(locks.FutexWait(word, 0, 1), "canceled")
		submit(locks.FutexWait(word, 0, 2), "woken")
		waitv := testkit.KernelHas("5.16") // there is no such call before
		if waitv {
			submit(locks.FutexWaitv(words, []uint32{0, 0}), "vector")
		}
		wake := func(w *atomic.Uint32, mask uint32) {
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
				c, err := r.Do(ctx, locks.FutexWake(w, 1, mask))
				require.NoError(t, err)
				if c.N() == 1 {
					return
				}
				require.True(t, time.Now().Before(end), "nobody is woken")
			}
		}
		wake(word, 2)
		want := 2
		if waitv {
			wake(words[1], locks.MatchAny)
			want = 3
		}
		require.NoError(t, r.Cancel(canceled))
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], want, 30*time.Second)
		require.NoError(t, err)
		require.Equal(t, want, n)
		for _, c := range dst[:n] {
			switch c.Tag {
			case "canceled":
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			case "woken":
				require.NoError(t, c.Err())
			case "vector":
				require.EqualValues(t, 1, c.Res)
			}
		}
		_, err = r.Submit(locks.FutexWait(word, 0, 1))
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
}
