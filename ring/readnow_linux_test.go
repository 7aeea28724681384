package ring_test

import (
	"context"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// cached returns a file that can be read without the engine.
func cached(t *testing.T, text string) int {
	fd, _ := tempFile(t, text)
	iov := [][]byte{make([]byte, 1)}
	if _, err := unix.Preadv2(fd, iov, 0, unix.RWF_NOWAIT); err != nil {
		t.Skipf("the file system cannot be asked not to wait: %v", err)
	}
	return fd
}

// withoutEngine reports whether f has made no use of the engine.
func withoutEngine(r *ring.Ring, f func()) bool {
	before := r.Stats().Enters
	f()
	return r.Stats().Enters == before
}

// eventually calls f until it has made no use of the engine: on a busy machine an
// attempt may have taken so long that the next ones are left out.
func eventually(t *testing.T, r *ring.Ring, f func()) {
	t.Helper()
	for range 1000 {
		if withoutEngine(r, f) {
			return
		}
	}
	t.Error("every read has used the engine")
}

// A Do reads what is cached without the engine, and its completion and what the Ring
// counts are those of any other.
func TestDoReadsNow(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd := cached(t, "0123456789")
		buf := make([]byte, 4)
		req := ops.Read(fd, buf, 3).WithTag("tag").Keeping(t)
		submit(t, r, req)
		want := takeOne(t, r)
		require.Equal(t, "3456", string(buf))

		ids := map[ops.ID]bool{want.ID: true}
		for range 40 {
			clear(buf)
			var c ops.Completion
			var err error
			var before ring.Stats
			eventually(t, r, func() {
				before = r.Stats()
				c, err = r.Do(context.Background(), req)
			})
			require.NoError(t, err)
			require.Equal(t, "3456", string(c.Bytes()))
			after := r.Stats()
			assert.Equal(t, before.Submitted+1, after.Submitted)
			assert.Equal(t, before.Completed+1, after.Completed)
			assert.Zero(t, after.Pending)
			assert.False(t, ids[c.ID], "two completions have the same ID")
			ids[c.ID] = true
			c.ID = want.ID
			require.Equal(t, want, c)
		}

		// Pending requests are no obstacle.
		in, out := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		for range 2 { // the first may start the other
			_, err := r.Do(context.Background(), ops.Nop())
			require.NoError(t, err)
		}
		eventually(t, r, func() { _, _ = r.Do(context.Background(), req) })
		write(t, out, "x")
		takeOne(t, r)
	})
}

// What the attempt cannot do, the engine does: results are the same either way.
func TestDoReadsNowInVain(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd := cached(t, "0123456789")
		in, out := pipe(t)
		write(t, out, "pipe")
		dir, err := unix.Open(t.TempDir(), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		counter, err := unix.Eventfd(1, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		require.NoError(t, err)
		closeAtEnd(t, dir, counter)
		do := func(fd int, size int, offset int64) (string, error) {
			c, err := r.Do(context.Background(), ops.Read(fd, make([]byte, size), offset))
			return string(c.Bytes()), err
		}
		expect := func(want, got string, err error) {
			t.Helper()
			assert.NoError(t, err)
			assert.Equal(t, want, got)
		}
		for range 3 {
			text, err := do(fd, 4, 8)
			expect("89", text, err)
			text, err = do(fd, 4, 10)
			expect("", text, err)
			text, err = do(fd, 0, 0)
			expect("", text, err)
			_, err = do(dir, 4, 0)
			assert.ErrorIs(t, err, syscall.EISDIR)
			_, err = do(out, 4, 0)
			assert.ErrorIs(t, err, syscall.EBADF)
			_, err = do(1<<30, 4, 0)
			assert.ErrorIs(t, err, syscall.EBADF)
			_, err = do(fd, 4, -2)
			assert.ErrorIs(t, err, ops.ErrInvalid)
		}
		text, err := do(in, 8, 0)
		expect("pipe", text, err)
		text, err = do(counter, 8, 0)
		assert.NoError(t, err)
		assert.Len(t, text, 8)

		// After so many in vain it tries less often, but again.
		now, later := 0, 0
		for i := range 200 {
			if withoutEngine(r, func() { text, err = do(fd, 4, 0) }) && i < 10 {
				now++
			} else if i >= 100 {
				later++
			}
			expect("0123", text, err)
		}
		assert.Zero(t, now)
		assert.Positive(t, later)
		eventually(t, r, func() { _, _ = do(fd, 4, 0) })
	})
}

// A Do that finds others ahead of it waits for its turn, and starts what is queued.
func TestDoReadsNowWhenOthersAreAhead(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd := cached(t, "0123456789")
		req := ops.Read(fd, make([]byte, 4), 0)
		in, out := pipe(t)
		queue(t, r, ops.Write(out, []byte("x"), ops.Current))
		_, err := r.Do(context.Background(), req)
		require.NoError(t, err)
		takeOne(t, r)
		buf := make([]byte, 1)
		_, err = unix.Read(in, buf)
		require.NoError(t, err)

		submit(t, r, ops.Read(in, buf, ops.Current).WithTag("first"))
		submit(t, r, ops.Nop().WithDrain().WithTag("barrier"))
		timer := time.AfterFunc(moment, func() { _, _ = unix.Write(out, []byte("y")) })
		defer timer.Stop()
		_, err = r.Do(context.Background(), req)
		require.NoError(t, err)
		assert.Equal(t, "y", string(buf), "the read went ahead of a barrier")
		take(t, r, 2)
	})
}

// Close and reads at the same time: each read has succeeded, or the Ring was closed.
func TestDoReadsNowWhileClosing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		fd := cached(t, "0123456789")
		for range 20 {
			r := newRing(ring.Config{})
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					buf := make([]byte, 4)
					for {
						_, err := r.Do(context.Background(), ops.Read(fd, buf, 3))
						if err != nil {
							assert.ErrorIs(t, err, ops.ErrClosed)
							return
						}
						assert.Equal(t, "3456", string(buf))
					}
				})
			}
			serve(t, r, func() { time.Sleep(time.Millisecond) })
			require.NoError(t, r.Close())
			wg.Wait()
		}
	})
}

// A context that has ended, a deadline, and what the file's own position is for are no
// matter for an attempt.
func TestDoReadsNowOnlyPlainReads(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		fd := cached(t, "0123456789")
		ctx, cancel := context.WithCancel(context.Background())
		req := ops.Read(fd, make([]byte, 4), 0)
		eventually(t, r, func() { _, _ = r.Do(ctx, req) })
		cancel()
		_, err := r.Do(ctx, req)
		assert.ErrorIs(t, err, context.Canceled)
		for _, req := range []ops.Request{
			ops.Read(fd, make([]byte, 4), ops.Current), req.WithTimeout(patience),
			ops.Write(fd, []byte("0"), 0), ops.Readv(fd, [][]byte{make([]byte, 4)}, 0),
		} {
			assert.False(t, withoutEngine(r, func() { _, err = r.Do(context.Background(), req) }), "%v", req)
			assert.NoError(t, err)
		}
		position, err := unix.Seek(fd, 0, io.SeekCurrent)
		require.NoError(t, err)
		assert.EqualValues(t, 4, position)
	})
}
