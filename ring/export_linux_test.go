package ring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// readable polls fd for at most d.
func readable(t *testing.T, fd int, d time.Duration) bool {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(p, int(d.Milliseconds()))
		if err != unix.EINTR {
			require.NoError(t, err)
			return n == 1
		}
	}
}

func TestFDIsReadableWhenWaitHasSomething(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd, err := r.FD()
		require.NoError(t, err)
		again, err := r.FD()
		require.NoError(t, err)
		assert.Equal(t, fd, again)

		var dst [4]ops.Completion
		take := func(tag string) {
			t.Helper()
			require.True(t, readable(t, fd, patience), tag)
			n, err := r.Wait(dst[:], 0, 0)
			require.NoError(t, err)
			require.Equal(t, 1, n, tag)
			require.Equal(t, tag, dst[0].Tag)
			assert.False(t, readable(t, fd, 0), "after %s", tag)
		}
		_, err = r.Wait(dst[:], 0, 0)
		require.NoError(t, err)
		require.False(t, readable(t, fd, moment), "nothing has happened")

		// Before 6.4 a blocking pipe is read by a worker, for which FD may be readable early.
		in, out := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
		_, err = r.Submit(ops.Read(in, make([]byte, 1), ops.Current).WithTag("read"))
		require.NoError(t, err)
		require.NoError(t, r.Flush())
		require.False(t, readable(t, fd, moment))
		_, err = unix.Write(out, []byte("x"))
		require.NoError(t, err)
		take("read")

		_, err = r.Post("post", ops.Normal)
		require.NoError(t, err)
		take("post")

		_, err = r.Submit(ops.Timer(moment).WithTag("timer"))
		require.NoError(t, err)
		take("timer")

		r.Wake()
		require.True(t, readable(t, fd, patience))
		_, err = r.Wait(dst[:], 0, 0)
		require.ErrorIs(t, err, ops.ErrWoken)
		require.False(t, readable(t, fd, 0))
	})
}

func TestFDStaysReadableForWhatIsLeft(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd, err := r.FD()
		require.NoError(t, err)
		for range 3 {
			_, err := r.Post(nil, ops.Normal)
			require.NoError(t, err)
		}
		var dst [1]ops.Completion
		for range 3 {
			require.True(t, readable(t, fd, patience))
			_, err := r.Wait(dst[:], 1, 0)
			require.NoError(t, err)
		}
		require.False(t, readable(t, fd, 0))
	})
}

// A Ring inside a Ring.
func TestFDOnAnotherRing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		inner, err := ring.New(ring.Config{})
		require.NoError(t, err)
		defer closeRing(t, inner)
		outer := newRing(ring.Config{})
		fd, err := inner.FD()
		require.NoError(t, err)
		var dst [4]ops.Completion
		_, err = inner.Wait(dst[:], 0, 0)
		require.NoError(t, err)
		_, err = outer.Queue(readiness.Once(fd, readiness.In))
		require.NoError(t, err)
		_, err = inner.Submit(ops.Timer(moment).WithTag("inner"))
		require.NoError(t, err)
		_, err = outer.Wait(dst[:], 1, patience)
		require.NoError(t, err)
		assert.True(t, readiness.Of(&dst[0]).Has(readiness.In))
		n, err := inner.Wait(dst[:], 1, 0)
		require.NoError(t, err)
		assert.Equal(t, "inner", dst[:n][0].Tag)
	})
}

func TestFDErrors(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = r.FD()
	require.ErrorIs(t, err, ops.ErrClosed)
}

// What goes on after a completion was taken goes on by itself, also where nobody ever
// waits in the Ring.
func TestFDOfWhatGoesOn(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		in, _ := pipe(t)
		_, out := pipe(t)
		for name, req := range map[string]ops.Request{
			"monotonic": ops.Every(time.Millisecond),
			"boottime":  ops.BoottimeEvery(time.Millisecond),
			"realtime":  ops.RealtimeEvery(time.Now(), time.Millisecond),
			"level":     readiness.Level(out, readiness.Out),
		} {
			r := newRing(ring.Config{})
			fd, err := r.FD()
			require.NoError(t, err)
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			submit(t, r, req)
			require.NoError(t, r.Flush())
			var dst [1]ops.Completion
			for got := 0; got < 5; {
				require.True(t, readable(t, fd, patience), "%s after %d", name, got)
				n, err := r.Wait(dst[:], 0, 0)
				require.NoError(t, err)
				got += n
			}
			require.NoError(t, r.Close())
		}
	})
}

// What happens on a descriptor that no request waits for does not leave FD readable,
// in an event loop or on another Ring.
func TestFDIsQuietAboutWhatNobodyWaitsFor(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd, err := r.FD()
		require.NoError(t, err)
		var dst [4]ops.Completion
		in, out := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current)) // from now on the engine knows it
		write(t, out, "x")
		first := takeOne(t, r)
		require.NoError(t, first.Err())
		for range 3 {
			write(t, out, "y")
			_, err = r.Wait(dst[:], 0, 0) // it may have been readable for nothing
			require.NoError(t, err)
			require.False(t, readable(t, fd, moment))
		}
		for _, engine := range engines {
			other, err := ring.New(ring.Config{Engine: engine})
			require.NoError(t, err)
			t.Cleanup(func() { closeRing(t, other) })
			id := submit(t, other, readiness.Once(fd, readiness.In).WithTag("inner"))
			takeNone(t, other)
			_, err = r.Post("news", ops.Normal)
			require.NoError(t, err)
			assert.Equal(t, id, takeOne(t, other).ID)
			assert.Equal(t, "news", takeOne(t, r).Tag)
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current)) // has three bytes to read
			read := takeOne(t, r)
			require.NoError(t, read.Err())
			submit(t, other, readiness.Once(fd, readiness.In).WithTag("inner"))
			submit(t, r, ops.Timer(moment))
			takeOne(t, other)
			assert.Equal(t, ops.CodeTimer, takeOne(t, r).Code)
		}
	})
}

// A pinned Ring's owner that waits for FD elsewhere is told of what others submit, of
// their Do and of their Close.
func TestFDTellsOfWhatOthersSubmit(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd, err := r.FD()
		require.NoError(t, err)
		var dst [4]ops.Completion
		until := func(over func(n int, err error) bool) {
			t.Helper()
			for {
				require.True(t, readable(t, fd, patience))
				if n, err := r.Wait(dst[:], 1, 0); over(n, err) {
					return
				}
			}
		}
		during(t, func() { submit(t, r, ops.Nop().WithTag("theirs")) })()
		until(func(n int, _ error) bool { return n == 1 && dst[0].Tag == "theirs" })

		during(t, func() {
			_, err := r.Do(context.Background(), ops.Nop())
			assert.NoError(t, err)
			r.Wake()
		})
		until(func(_ int, err error) bool { return err == ops.ErrWoken })

		if r.Info().Pinned { // another's Close needs nobody
			during(t, func() { assert.NoError(t, r.Close()) })
			until(func(_ int, err error) bool { return errors.Is(err, ops.ErrClosed) })
		}
	})
}
