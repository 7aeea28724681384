package ring_test

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpSpliceFileToPipe(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "0123456789")
		rd, wr := pipe(t)
		buf := make([]byte, 20)
		for _, c := range []struct {
			off  int64
			n    int
			want string
		}{{2, 4, "2345"}, {8, 10, "89"}, {0, 10, "0123456789"}, {ops.Current, 3, "012"}, {ops.Current, 100, "3456789"}} {
			assert.Equal(t, len(c.want), do(t, r, ops.Splice(fd, c.off, wr, ops.Current, c.n, 0)).N())
			assert.Equal(t, c.want, string(do(t, r, ops.Read(rd, buf, ops.Current)).Bytes()))
		}
		assert.EqualValues(t, 10, position(t, fd), "only Current moves the position")
		assert.Zero(t, do(t, r, ops.Splice(fd, ops.Current, wr, ops.Current, 10, 0)).N(), "the end of the file")
		assert.Zero(t, do(t, r, ops.Splice(fd, 0, wr, ops.Current, 0, 0)).N())
	})
}

func TestOpSplicePipeToFile(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "0123456789")
		rd, wr := pipe(t)
		write(t, wr, "abcdef")
		assert.Equal(t, 3, do(t, r, ops.Splice(rd, ops.Current, fd, 4, 3, unix.SPLICE_F_MOVE)).N())
		assert.Equal(t, "0123abc789", contentOf(t, path))
		assert.Equal(t, 3, do(t, r, ops.Splice(rd, ops.Current, fd, ops.Current, 100, 0)).N())
		assert.Equal(t, "def3abc789", contentOf(t, path))
		assert.EqualValues(t, 3, position(t, fd))
		id := start(t, r, ops.Splice(rd, ops.Current, fd, 10, 100, 0))
		write(t, wr, "later")
		assert.Equal(t, 5, finish(t, r, id).N())
		assert.Equal(t, "def3abc789later", contentOf(t, path))
	})
}

// Two splices with a pipe between them are a sendfile(2).
func TestOpSpliceAsSendfile(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		text := strings.Repeat("0123456789abcdef", 1024)
		in, _ := tempFile(t, text)
		out, path := tempFile(t, "")
		rd, wr := pipe(t)
		for done := 0; done < len(text); {
			n := do(t, r, ops.Splice(in, int64(done), wr, ops.Current, 5000, 0)).N()
			for moved := 0; moved < n; {
				k := do(t, r, ops.Splice(rd, ops.Current, a, ops.Current, n-moved, unix.SPLICE_F_MOVE)).N()
				require.Positive(t, k)
				moved += k
			}
			for moved := 0; moved < n; {
				k := do(t, r, ops.Splice(b, ops.Current, wr, ops.Current, n-moved, 0)).N()
				require.Equal(t, k, do(t, r, ops.Splice(rd, ops.Current, out, int64(done+moved), k, 0)).N())
				moved += k
			}
			done += n
		}
		require.Equal(t, text, contentOf(t, path))
	})
}

func TestOpTee(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rdA, wrA := pipe(t)
		rdB, wrB := pipe(t)
		write(t, wrA, "twice")
		assert.Equal(t, 3, do(t, r, ops.Tee(rdA, wrB, 3, 0)).N())
		buf := make([]byte, 10)
		assert.Equal(t, "twi", string(do(t, r, ops.Read(rdB, buf, ops.Current)).Bytes()))
		assert.Equal(t, 5, do(t, r, ops.Tee(rdA, wrB, 100, 0)).N())
		assert.Equal(t, "twice", string(do(t, r, ops.Read(rdA, buf, ops.Current)).Bytes()))
		assert.Equal(t, "twice", string(do(t, r, ops.Read(rdB, buf, ops.Current)).Bytes()))
		id := start(t, r, ops.Tee(rdA, wrB, 100, 0))
		write(t, wrA, "later")
		assert.Equal(t, 5, finish(t, r, id).N())

		var p [2]int
		require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
		require.NoError(t, unix.Close(p[1]))
		assert.Zero(t, do(t, r, ops.Tee(own(t, p[0]), wrB, 1, 0)).N(), "no writer is left")
	})
}

// Splices and tees wait for input and for room, and can be cancelled, whatever
// the descriptors' O_NONBLOCK; with SPLICE_F_NONBLOCK they do not wait. (trap 10)
func TestOpSpliceWaits(t *testing.T) {
	for _, flags := range []int{0, unix.O_NONBLOCK} {
		t.Run(fmt.Sprintf("flags %#x", flags), func(t *testing.T) {
			eachRing(t, func(t *testing.T, r *ring.Ring) {
				rdA, wrA := pipe2(t, unix.O_CLOEXEC|flags)
				rdB, wrB := pipe2(t, unix.O_CLOEXEC|flags)
				moves := []func(n, flags int) ops.Request{
					func(n, flags int) ops.Request { return ops.Splice(rdA, -1, wrB, -1, n, flags) },
					func(n, flags int) ops.Request { return ops.Tee(rdA, wrB, n, flags) },
				}
				for _, move := range moves { // nothing to read
					cancels(t, r, move(10, 0), onFD(wrB))
					fails(t, r, move(10, unix.SPLICE_F_NONBLOCK), syscall.EAGAIN, onFD(wrB))
				}
				id := start(t, r, moves[0](10, 0))
				write(t, wrA, "input")
				assert.Equal(t, 5, finish(t, r, id).N())
				assert.Equal(t, 5, emptyPipe(t, rdB))

				fillPipe(t, wrB)
				require.NoError(t, unix.SetNonblock(wrB, flags != 0))
				write(t, wrA, "input")
				for _, move := range moves { // no room
					cancels(t, r, move(10, 0), onFD(wrB))
					fails(t, r, move(10, unix.SPLICE_F_NONBLOCK), syscall.EAGAIN, onFD(wrB))
				}
				id = start(t, r, moves[1](10, 0))
				emptyPipe(t, rdB)
				assert.Equal(t, 5, finish(t, r, id).N())
				assert.Equal(t, 5, emptyPipe(t, rdB))
				assert.Equal(t, 5, emptyPipe(t, rdA), "a cancelled splice took nothing")
			})
		})
	}
}

// A splice from a socket waits for data. CancelFD finds it by its input.
func TestOpSpliceSocketCancel(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		_, wr := pipe(t)
		cancels(t, r, ops.Splice(a, ops.Current, wr, ops.Current, 10, 0), onFD(wr))
		id := start(t, r, ops.Splice(a, ops.Current, wr, ops.Current, 10, 0))
		n, err := r.CancelFD(a)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		canceled(t, r, id, ops.CodeSplice, onFD(wr))
		write(t, b, "still there")
		assert.Equal(t, 10, do(t, r, ops.Splice(a, ops.Current, wr, ops.Current, 10, 0)).N())
	})
}

func TestOpSpliceFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "text")
		other, path := tempFile(t, "")
		rdonly := own(t, do(t, r, ops.Open(path, unix.O_RDONLY, 0)).FD())
		rd, wr := pipe(t)
		write(t, wr, "text")
		fails(t, r, ops.Splice(fd, 0, other, 0, 10, 0), syscall.EINVAL, onFD(other))
		fails(t, r, ops.Splice(rd, 0, other, 0, 10, 0), syscall.ESPIPE, onFD(other))
		fails(t, r, ops.Splice(fd, 0, wr, 0, 10, 0), syscall.ESPIPE, onFD(wr))
		fails(t, r, ops.Splice(rd, -1, rdonly, 0, 10, 0), syscall.EBADF, onFD(rdonly))
		fails(t, r, ops.Splice(noFD, -1, wr, -1, 10, 0), syscall.EBADF, onFD(wr))
		fails(t, r, ops.Splice(rd, -1, noFD, -1, 10, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Splice(rd, -1, wr, -1, 10, 0), syscall.EINVAL, onFD(wr))
		fails(t, r, ops.Splice(fd, 0, wr, -1, 10, 1<<20), syscall.EINVAL, onFD(wr))
		fails(t, r, ops.Tee(fd, wr, 10, 0), syscall.EINVAL, onFD(wr))
		fails(t, r, ops.Tee(rd, wr, 10, 0), syscall.EINVAL, onFD(wr))
		fails(t, r, ops.Tee(noFD, wr, 10, 0), syscall.EBADF, onFD(wr))
		for _, req := range []ops.Request{
			ops.Splice(rd, -1, fd, 0, -1, 0), ops.Splice(rd, -1, fd, -2, 1, 0), ops.Tee(rd, wr, -1, 0),
		} {
			_, err := r.Submit(req)
			assert.ErrorIs(t, err, ops.ErrInvalid)
		}
	})
}

// What a kernel worker carries out is interrupted, too, when the thread that
// submitted it exits. (trap 1)
func TestOpWorkerOnDyingThread(t *testing.T) {
	noLeaks(t)
	r, err := ring.New(ring.Config{Engine: ring.IOURing})
	require.NoError(t, err)
	defer closeRing(t, r)
	rdA, wrA := pipe(t)
	_, wrB := pipe(t)
	fifo := plant(t) + "/fifo"
	for _, c := range []struct {
		req    ops.Request
		happen func()
	}{
		{ops.Tee(rdA, wrB, 10, 0), func() { write(t, wrA, "data") }},
		{ops.Splice(rdA, -1, wrB, -1, 10, 0), func() { write(t, wrA, "data") }},
		{ops.Open(fifo, unix.O_RDONLY|unix.O_CREAT, 0), func() {
			fd, err := unix.Open(fifo, unix.O_WRONLY|unix.O_CLOEXEC, 0)
			require.NoError(t, err)
			own(t, fd)
		}},
	} {
		id := submitAndExit(t, r, c.req)
		waits(t, r)
		c.happen()
		if fd := finish(t, r, id).FD(); fd >= 0 {
			own(t, fd)
		}
		_ = emptyPipe(t, rdA)
	}
	assert.NotZero(t, r.Stats().Resubmitted)
}

// submitAndExit submits req on a thread that exits once the request has begun.
func submitAndExit(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	ids := make(chan ops.ID)
	for {
		go func() {
			defer close(ids)
			runtime.LockOSThread() // never unlocked: the runtime ends the thread
			if unix.Gettid() == unix.Getpid() {
				return // except the main thread, which it only retires
			}
			id, err := r.Submit(req)
			assert.NoError(t, err)
			time.Sleep(moment) // until a worker blocks
			ids <- id
		}()
		if id, ok := <-ids; ok {
			return id
		}
		ids = make(chan ops.ID)
	}
}
