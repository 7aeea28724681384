package ring

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The tests here reach inside to bring about what the kernel does rarely.

const faultPatience = 20 * time.Second

// eachFaulty runs f in both ownership modes. f closes its Ring.
func eachFaulty(t *testing.T, f func(t *testing.T, cfg Config)) {
	for _, pinned := range []bool{false, true} {
		name := "shared"
		if pinned {
			name = "pinned"
		}
		t.Run(name, func(t *testing.T) { f(t, Config{Engine: IOURing, Pinned: pinned}) })
	}
}

// What enter answers when it is to be called again neither breaks the Ring nor
// loses entries (trap 6).
func TestRetryOfEnter(t *testing.T) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		r, err := New(cfg)
		require.NoError(t, err)
		for _, e := range []error{syscall.EAGAIN, syscall.EBUSY, uring.ErrInterrupted, uring.ErrTimeout} {
			for i := range 5 {
				_, err := r.Queue(ops.Nop().WithTag(i))
				require.NoError(t, err)
			}
			r.mu.Lock()
			r.retry(e)
			require.NoError(t, r.broken)
			r.mu.Unlock()
			var dst [5]ops.Completion
			n, err := r.Wait(dst[:], 5, faultPatience)
			require.NoError(t, err)
			require.Equal(t, 5, n)
			for i, c := range dst {
				require.Equal(t, i, c.Tag)
			}
		}
		require.NoError(t, r.Close())
	})
}

// A Ring whose engine has failed says so, to whoever waits, and can be closed.
func TestBrokenRing(t *testing.T) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		r, err := New(cfg)
		require.NoError(t, err)
		var fds [2]int
		require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
		_, err = r.Submit(ops.Read(fds[0], make([]byte, 1), ops.Current))
		require.NoError(t, err)
		require.NoError(t, r.Flush())
		r.mu.Lock()
		r.retry(syscall.ENXIO)
		r.mu.Unlock()
		var dst [1]ops.Completion
		for _, timeout := range []time.Duration{0, time.Minute, Forever} {
			_, err = r.Wait(dst[:], 1, timeout)
			require.ErrorIs(t, err, syscall.ENXIO)
			assert.ErrorContains(t, err, "unusable")
		}
		_, err = r.Do(context.Background(), ops.Nop())
		require.Error(t, err)
		_, err = r.Do(context.Background(), ops.Timer(time.Hour))
		require.Error(t, err)

		err = r.Close()
		require.ErrorIs(t, err, syscall.ENXIO)
		require.NoError(t, r.Close())
		require.NoError(t, unix.Close(fds[0]))
		require.NoError(t, unix.Close(fds[1]))
		open.Delete(r) // it stays for the buffer of the read
	})
}

// Those who wait when the engine fails are told, whoever finds out.
func TestBrokenWhileOthersWait(t *testing.T) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		r, err := New(cfg)
		require.NoError(t, err)
		var fds [2]int
		require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
		errs, waiters := make(chan error), 0
		wait := func(f func() error) {
			waiters++
			go func() { errs <- f() }()
		}
		for range 2 {
			wait(func() error {
				_, err := r.Do(context.Background(), ops.Read(fds[0], make([]byte, 1), ops.Current))
				return err
			})
			if !cfg.Pinned {
				wait(func() error {
					var dst [1]ops.Completion
					_, err := r.Wait(dst[:], 1, Forever)
					return err
				})
			}
		}
		var dst [1]ops.Completion
		_, err = r.Wait(dst[:], 1, 50*time.Millisecond) // until they wait, and are served
		require.ErrorIs(t, err, ops.ErrTimeout)
		r.mu.Lock()
		r.retry(syscall.ENXIO)
		r.unlock()
		for range waiters {
			require.ErrorIs(t, <-errs, syscall.ENXIO)
		}
		require.ErrorIs(t, r.Close(), syscall.ENXIO)
		require.NoError(t, unix.Close(fds[0]))
		require.NoError(t, unix.Close(fds[1]))
		open.Delete(r) // it stays for the buffers
	})
}

// The kernel takes fewer entries than it is given when memory is short: the rest
// is neither lost nor submitted twice (trap 6).
func TestEntriesThatWereNotTaken(t *testing.T) {
	r, err := New(Config{Engine: IOURing})
	require.NoError(t, err)
	for i := range 10 {
		_, err := r.Queue(ops.Nop().WithTag(i))
		require.NoError(t, err)
	}
	r.mu.Lock()
	require.EqualValues(t, 10, r.fill())
	n, err := r.u.EnterPlain(3, 0, 0)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.EqualValues(t, 7, r.fill())
	r.mu.Unlock()
	var dst [11]ops.Completion
	n, err = r.Wait(dst[:], 11, 10*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout)
	require.Equal(t, 10, n)
	for i, c := range dst[:10] {
		require.Equal(t, i, c.Tag)
	}
	require.NoError(t, r.Close())
}

// A completion of a request that is no more changes nothing (trap 17).
func TestStrayCompletions(t *testing.T) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		r, err := New(cfg)
		require.NoError(t, err)
		id, err := r.Submit(ops.Nop())
		require.NoError(t, err)
		var dst [1]ops.Completion
		_, err = r.Wait(dst[:], 1, faultPatience)
		require.NoError(t, err)
		_, err = r.Submit(ops.Timer(time.Hour)) // in the same slot
		require.NoError(t, err)
		r.mu.Lock()
		r.arrive(uint64(id), 0, 0)
		r.arrive(uint64(id), 7, uring.CQEFlagMore)
		r.arrive(1<<24-1, 0, 0)
		r.arrive(uint64(id)|internal, -int32(syscall.ENOENT), 0) // of a cancel
		require.EqualValues(t, 3, r.stats.Stray)
		require.Zero(t, r.inKernel)
		r.mu.Unlock()
		_, err = r.Wait(dst[:], 1, time.Millisecond)
		require.ErrorIs(t, err, ops.ErrTimeout)
		require.NoError(t, r.Close())
	})
}

// Close gives up in time when something cannot be cancelled, says so, frees
// nothing, and succeeds later (trap 29).
func TestCloseOfWhatCannotBeCancelled(t *testing.T) {
	eachFaulty(t, func(t *testing.T, cfg Config) {
		cfg.CloseTimeout = 20 * time.Millisecond
		r, err := New(cfg)
		require.NoError(t, err)
		_, err = r.Submit(ops.Timer(time.Hour))
		require.NoError(t, err)
		// As if a request sat in a device, and a goroutine in enter.
		r.mu.Lock()
		s, id := r.slots.Alloc()
		s.req, s.state, s.marks = ops.Read(77, make([]byte, 1), 0), inKernel, 0
		r.inKernel++
		r.entering++
		r.mu.Unlock()
		for range 2 {
			before := time.Now()
			err = r.Close()
			require.ErrorIs(t, err, ops.ErrBusy)
			require.GreaterOrEqual(t, time.Since(before), cfg.CloseTimeout)
			assert.ErrorContains(t, err, "read fd 77")
			assert.ErrorContains(t, err, "1 request")
		}
		_, err = r.Submit(ops.Nop())
		require.ErrorIs(t, err, ops.ErrClosed)
		r.mu.Lock()
		r.arrive(id, 1, 0)
		r.entering--
		r.mu.Unlock()
		require.NoError(t, r.Close())
		var dst [2]ops.Completion
		n, err := r.Wait(dst[:], 2, Forever)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		assert.Equal(t, 1, dst[1].N(), "it succeeded after all")
	})
}

// A wake-up poll that has ended is armed again (trap 14), also where the kernel
// knows one-shot polls alone.
func TestWakeUpPollIsArmedAgain(t *testing.T) {
	for _, oneShot := range []bool{false, true} {
		r, err := New(Config{Engine: IOURing, Pinned: true})
		require.NoError(t, err)
		r.owner.oneShot = oneShot
		var dst [1]ops.Completion
		for range 5 {
			woken := make(chan struct{})
			go func() {
				defer close(woken)
				time.Sleep(10 * time.Millisecond)
				r.Wake()
			}()
			before := time.Now()
			_, err := r.Wait(dst[:], 1, faultPatience)
			require.ErrorIs(t, err, ops.ErrWoken)
			require.Less(t, time.Since(before), faultPatience/2)
			<-woken
			r.mu.Lock()
			r.owner.heard(-int32(syscall.ECANCELED), 0) // as an overflow would
			r.mu.Unlock()
		}
		require.NoError(t, r.Close())
	}
}

// An owner that enters from another thread, which Go forbids, breaks nothing but
// its Ring.
func TestEEXIST(t *testing.T) {
	r, err := New(Config{Engine: IOURing, Pinned: true})
	require.NoError(t, err)
	r.mu.Lock()
	r.retry(syscall.EEXIST)
	require.ErrorIs(t, r.broken, ops.ErrWrongThread)
	r.broken = nil
	r.mu.Unlock()
	require.NoError(t, r.Close())
}
