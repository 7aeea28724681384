package ring_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// A Close with all kinds of requests pending: each reports ErrClosed once, to a
// Wait after Close, and no buffer is written to any more (trap 29).
func TestCloseWithRequestsPending(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, window := range []int{0, 6} { // all in the kernel, and some in the queue
			for _, waited := range []bool{false, true} {
				r := newRing(ring.Config{InFlight: window})
				in, out := pipe(t)
				_, full := pipe(t)
				fill(t, full)
				buf := make([]byte, 8)
				reqs := []ops.Request{
					ops.Read(in, buf, ops.Current), ops.Read(in, buf, ops.Current).WithPriority(ops.Lowest),
					ops.Write(full, []byte("x"), ops.Current).WithTimeout(time.Hour),
					readiness.Once(in, readiness.In), readiness.Edge(in, readiness.In), readiness.Level(in, readiness.In),
					ops.Timer(time.Hour), ops.Timer(time.Hour).WithTimeout(2 * time.Hour),
					ops.Splice(in, ops.Current, full, ops.Current, 10, 0),
				}
				reqs = append(reqs, ops.Chain(ops.Read(in, buf, ops.Current), ops.Nop(), ops.Nop())...)
				reqs = append(reqs, ops.HardChain(ops.Read(in, buf, ops.Current), ops.Read(in, buf, ops.Current), ops.Timer(time.Hour))...)
				ids := submitAll(t, r, reqs)
				if waited {
					takeNone(t, r)
				}
				require.NoError(t, r.Close())
				write(t, out, "late")
				all := drain(t, r)
				require.Len(t, all, len(reqs))
				seen := map[ops.ID]bool{}
				for _, c := range all {
					require.False(t, seen[c.ID])
					seen[c.ID] = true
					require.Equal(t, ids[c.Tag.(int)], c.ID)
					if c.Cause != ops.NoCause { // it hung on another one
						require.ErrorIs(t, c.Err(), ops.ErrClosed, "%v", c)
					}
				}
				require.Equal(t, make([]byte, 8), buf, "written to after Close")
			}
		}
	})
}

// What is closed refuses, and stays closed.
func TestCloseTwice(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		submit(t, r, ops.Nop().WithTag("taken later"))
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		_, err := r.Submit(ops.Nop())
		assert.ErrorIs(t, err, ops.ErrClosed)
		_, err = r.Queue(ops.Nop())
		assert.ErrorIs(t, err, ops.ErrClosed)
		assert.ErrorIs(t, r.SubmitAll(ops.Chain(ops.Nop(), ops.Nop()), nil), ops.ErrClosed)
		_, err = r.Do(context.Background(), ops.Nop())
		assert.ErrorIs(t, err, ops.ErrClosed)
		_, err = r.CancelAll()
		assert.ErrorIs(t, err, ops.ErrClosed)
		_, err = r.CancelFD(0)
		assert.ErrorIs(t, err, ops.ErrClosed)
		assert.ErrorIs(t, r.Cancel(1<<24), ops.ErrNotFound)
		r.Wake()
		_ = r.Info()
		require.NoError(t, r.Close())
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 1, 0)
		if err != nil {
			assert.ErrorIs(t, err, ops.ErrWoken)
		}
		require.Equal(t, 1, n)
		_, err = r.Wait(dst[:], 1, 0)
		assert.ErrorIs(t, err, ops.ErrClosed)
		_, err = r.Wait(dst[:], 1, ring.Forever)
		assert.ErrorIs(t, err, ops.ErrClosed)
	})
}

// Close from several goroutines, with others in Wait and Do.
func TestCloseConcurrently(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for range 20 {
			r := newRing(ring.Config{})
			in, _ := pipe(t)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					_, err := r.Do(context.Background(), ops.Read(in, make([]byte, 1), ops.Current))
					assert.ErrorIs(t, err, ops.ErrClosed)
				})
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 100 * time.Microsecond)
					assert.NoError(t, r.Close())
				})
				if !r.Info().Pinned {
					wg.Go(func() {
						var dst [1]ops.Completion
						_, err := r.Wait(dst[:], 1, ring.Forever)
						assert.ErrorIs(t, err, ops.ErrClosed)
					})
				}
			}
			var dst [1]ops.Completion
			_, err := r.Wait(dst[:], 1, ring.Forever)
			assert.ErrorIs(t, err, ops.ErrClosed)
			wg.Wait()
		}
	})
}

// Close by another goroutine than the owner, who is in Wait: it closes for it,
// and is unlocked from its thread.
func TestCloseFromElsewhere(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		join := during(t, func() {
			time.Sleep(moment)
			assert.NoError(t, r.Close())
			_, err := r.Submit(ops.Nop())
			assert.ErrorIs(t, err, ops.ErrClosed)
		})
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 4, ring.Forever)
		assert.ErrorIs(t, err, ops.ErrClosed)
		require.Equal(t, 1, n)
		assert.ErrorIs(t, dst[0].Err(), ops.ErrClosed)
		join()
	})
}

// The owner is elsewhere: Close gives up in time, and can be called again.
func TestCloseWithoutOwner(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true, CloseTimeout: moment})
	require.NoError(t, err)
	in, _ := pipe(t)
	submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
	require.NoError(t, r.Flush())
	during(t, func() {
		err := r.Close()
		assert.ErrorIs(t, err, ops.ErrBusy)
		assert.ErrorContains(t, err, "goroutine that called New")
	})()
	_, err = r.Submit(ops.Nop())
	assert.ErrorIs(t, err, ops.ErrClosed, "it is closing")
	closeRing(t, r)
}

// The owner has ended, and its thread with it: another goroutine can Close, and
// everybody learns what became of his requests.
func TestCloseAfterOwnerEnded(t *testing.T) {
	needs(t, "6.0")
	in, out := pipe(t)
	listening, _ := listener(t, 0, 4)
	var r *ring.Ring
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ended
		_, err := r.Do(context.Background(), ops.Read(in, make([]byte, 1), ops.Current))
		assert.ErrorIs(t, err, ops.ErrClosed)
	})
	go func() {
		defer close(ended)
		onDyingThread(t, func() {
			var err error
			r, err = ring.New(ring.Config{Pinned: true, Capacity: 64, InFlight: 20, DirectFiles: 4})
			if !assert.NoError(t, err) {
				return
			}
			submit(t, r, ops.Nop().WithTag("done"))
			assert.NoError(t, r.Flush())
			submit(t, r, ops.AcceptMulti(listening, 0))
			submit(t, r, readiness.Level(in, readiness.In))
			submit(t, r, ops.Splice(in, ops.Current, out, ops.Current, 1, 0))
			assert.NoError(t, r.SubmitAll(ops.Chain(ops.Read(in, make([]byte, 1), ops.Current), ops.Nop(), ops.Nop()), nil))
			assert.NoError(t, r.Flush())
			for range 20 { // some in the kernel, some in the submission ring, some in the queue
				submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			}
			submit(t, r, ops.Timer(time.Hour))
			assert.NoError(t, r.SubmitAll(ops.Chain(ops.Read(in, make([]byte, 1), ops.Current), ops.Nop()), nil))
		})
	}()
	<-ended
	require.Eventually(t, func() bool { return r.Stats().Pending == 31 }, patience, time.Millisecond)
	wg.Go(func() { assert.NoError(t, r.Close()) })
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	wg.Wait()
	_, err := r.Submit(ops.Nop())
	assert.ErrorIs(t, err, ops.ErrClosed)
	all := drain(t, r)
	require.Len(t, all, 30)
	for _, c := range all {
		if c.Cause != ops.NoCause { // it hung on another one
			require.ErrorIs(t, c.Err(), ops.ErrClosed, "%v", c)
		}
	}
	assert.Zero(t, r.Stats().InKernel)
}

// What is left then anybody can take: several at once, who try from before Close on.
func TestManyTakeWhatIsLeftAfterOwnerEnded(t *testing.T) {
	needs(t, "6.0")
	for _, engine := range engines {
		var r *ring.Ring
		onDyingThread(t, func() {
			var err error
			r, err = ring.New(ring.Config{Engine: engine, Pinned: true})
			assert.NoError(t, err)
			for range 100 {
				submit(t, r, ops.Timer(time.Hour))
			}
		})
		var wg sync.WaitGroup
		var taken atomic.Int32
		for range 3 {
			wg.Go(func() {
				var dst [1]ops.Completion
				for end := time.Now().Add(patience); time.Now().Before(end); {
					n, err := r.Wait(dst[:], 1, ring.Forever)
					taken.Add(int32(n))
					if errors.Is(err, ops.ErrClosed) {
						return
					}
				}
			})
		}
		require.NoError(t, r.Close(), engine)
		wg.Wait()
		require.EqualValues(t, 100, taken.Load(), engine)
	}
}

// The owner ends while somebody else is in Close, who finds out.
func TestCloseWhileOwnerEnds(t *testing.T) {
	needs(t, "6.0")
	for _, engine := range engines {
		in, _ := pipe(t)
		made, ending := make(chan *ring.Ring), make(chan struct{})
		join := during(t, func() {
			onDyingThread(t, func() {
				r, err := ring.New(ring.Config{Engine: engine, Pinned: true})
				assert.NoError(t, err)
				submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
				assert.NoError(t, r.Flush())
				made <- r
				<-ending
			})
		})
		r := <-made
		timer := time.AfterFunc(moment, func() { close(ending) })
		require.NoError(t, r.Close(), engine)
		timer.Stop()
		join()
		all := drain(t, r)
		require.Len(t, all, 1)
		assert.ErrorIs(t, all[0].Err(), ops.ErrClosed)
	}
}

// Close that does not wait gets through in the end: what is left after an attempt
// is cancelled still.
func TestCloseIsBounded(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{CloseTimeout: 1})
		in, _ := pipe(t)
		_, out := pipe(t)
		for range 50 {
			// In workers of the kernel's, which take a moment to let go.
			submit(t, r, ops.Splice(in, ops.Current, out, ops.Current, 1, 0))
		}
		require.NoError(t, r.Flush())
		time.Sleep(moment)
		busy := 0
		for end := time.Now().Add(patience); ; busy++ {
			err := r.Close()
			if err == nil {
				break
			}
			require.ErrorIs(t, err, ops.ErrBusy)
			require.ErrorContains(t, err, "splice")
			require.True(t, time.Now().Before(end), "Close never succeeds")
		}
		t.Log("busy", busy, "times")
		for _, c := range drain(t, r) {
			require.ErrorIs(t, c.Err(), ops.ErrClosed)
		}
	})
}

// Close ends an accept that has succeeded at that moment: its descriptor is not
// lost (trap 24).
func TestCloseLosesNoDescriptor(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for i := range 100 {
			r := newRing(ring.Config{})
			listening, addr := listener(t, 0, 4)
			submit(t, r, ops.Accept(listening, 0))
			join := during(t, func() {
				for range i {
					unix.Getpid()
				}
				fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if assert.NoError(t, err) {
					_ = unix.Connect(fd, addr)
					assert.NoError(t, unix.Close(fd))
				}
			})
			require.NoError(t, r.Close())
			var dst [1]ops.Completion
			_, err := r.Wait(dst[:], 1, 0)
			require.NoError(t, err)
			if dst[0].Err() == nil {
				require.NoError(t, unix.Close(dst[0].FD()))
			} else {
				require.ErrorIs(t, dst[0].Err(), ops.ErrClosed)
			}
			join()
		}
	})
}

// A file that is closed while requests use it stays open until they have ended:
// so do its locks (traps 27 and 28).
func TestRequestsHoldTheirFile(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		id := submit(t, r, ops.Read(in, make([]byte, 8), ops.Current))
		require.NoError(t, r.Flush())
		if isPortable(r) { // it has to know
			do(t, r, ops.Close(in))
		} else {
			require.NoError(t, unix.Close(in))
		}
		// The number serves another file now: the request is not about that.
		other, otherOut := pipe(t)
		require.Equal(t, in, other)
		write(t, otherOut, "other")
		takeNone(t, r)
		write(t, out, "mine") // somebody reads still: no EPIPE
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, "mine", string(c.Bytes()))
		require.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
		require.Eventually(t, func() bool { // the kernel lets go after it has reported
			_, err := unix.Write(out, []byte("x"))
			return err == unix.EPIPE
		}, patience, time.Millisecond, "the file is still open")
	})
}
