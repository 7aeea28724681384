package portable_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// What rings do is tested in package ring, on every engine. Here is what only this
// engine can do wrong.

const patience = 20 * time.Second

// eachMode runs f on a shared and on a pinned Ring.
func eachMode(t *testing.T, cfg ring.Config, f func(t *testing.T, r *ring.Ring)) {
	for name, pinned := range map[string]bool{"shared": false, "pinned": true} {
		t.Run(name, func(t *testing.T) {
			cfg.Engine, cfg.Pinned = ring.Portable, pinned
			r, err := ring.New(cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, r.Close()) }()
			f(t, r)
		})
	}
}

func submit(t *testing.T, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Submit(req)
	require.NoError(t, err)
	require.NoError(t, r.Flush())
	return id
}

func take(t *testing.T, r *ring.Ring) ops.Completion {
	t.Helper()
	dst := make([]ops.Completion, 1)
	_, err := r.Wait(dst, 1, patience)
	require.NoError(t, err)
	return dst[0]
}

func pipe(t *testing.T) (in, out int) {
	t.Helper()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	return fds[0], fds[1]
}

func closeAll(t *testing.T, fds ...int) {
	t.Helper()
	for _, fd := range fds {
		require.NoError(t, unix.Close(fd))
	}
}

// moveTo gives a file the number of another, which is closed.
func moveTo(t *testing.T, from, to int) {
	t.Helper()
	require.NoError(t, unix.Dup3(from, to, unix.O_CLOEXEC))
	require.NoError(t, unix.Close(from))
}

func write(t *testing.T, fd int, text string) {
	t.Helper()
	_, err := unix.Write(fd, []byte(text))
	require.NoError(t, err)
}

// await has a read wait on in until out is written to.
func await(t *testing.T, r *ring.Ring, in, out int, text string) {
	t.Helper()
	submit(t, r, ops.Read(in, make([]byte, 16), ops.Current))
	write(t, out, text)
	c := take(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, text, string(c.Bytes()))
}

// A number that is another file's, behind the engine's back, delays a wait and does
// not hang it: whether the former file is gone, or open under another number and
// busy, so that epoll goes on to report it.
//
// trap 30
// trap 31
func TestReusedNumbers(t *testing.T) {
	for name, keep := range map[string]bool{"closed": false, "duplicated": true} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
				in, out := pipe(t)
				await(t, r, in, out, "first")
				kept := -1
				if keep {
					var err error
					kept, err = unix.FcntlInt(uintptr(in), unix.F_DUPFD_CLOEXEC, 0)
					require.NoError(t, err)
				}
				next, nextOut := pipe(t)
				moveTo(t, next, in)
				submit(t, r, ops.Read(in, make([]byte, 16), ops.Current).WithTag("read"))
				submit(t, r, readiness.Once(in, readiness.In).WithTag("poll"))
				if keep {
					write(t, out, "former")
				}
				dst := make([]ops.Completion, 2)
				_, err := r.Wait(dst, 1, 30*time.Millisecond)
				require.ErrorIs(t, err, ops.ErrTimeout)
				write(t, nextOut, "second")
				_, err = r.Wait(dst, 2, patience)
				require.NoError(t, err)
				for _, c := range dst {
					require.NoError(t, c.Err())
					if c.Tag == "read" {
						assert.Equal(t, "second", string(c.Bytes()))
					}
				}
				closeAll(t, in, out, nextOut)
				if keep {
					closeAll(t, kept)
				}
			})
		})
	}
}

// Whoever waited for a file that was closed behind the engine's back learns of it
// when the number turns out to be another's.
func TestWaitForWhatIsGone(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		in, out := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 16), ops.Current).WithTag("former"))
		next, nextOut := pipe(t)
		moveTo(t, next, in)
		submit(t, r, ops.Read(in, make([]byte, 16), ops.Current).WithTag("latter"))
		c := take(t, r)
		assert.Equal(t, "former", c.Tag)
		assert.ErrorIs(t, c.Err(), unix.EBADF)
		write(t, nextOut, "x")
		c = take(t, r)
		assert.Equal(t, "latter", c.Tag)
		assert.NoError(t, c.Err())
		closeAll(t, in, out, nextOut)
	})
}

// Readers, writers and polls share a descriptor, and each gets what is its.
func TestManyOnOneDescriptor(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		const readers = 20
		for i := range readers {
			submit(t, r, ops.Recv(fds[0], make([]byte, 1), 0).WithTag(i))
		}
		edge := submit(t, r, readiness.Edge(fds[0], readiness.In).WithTag("edge"))
		big := make([]byte, 1<<22) // more than fits
		submit(t, r, ops.Send(fds[0], big, unix.MSG_WAITALL).WithTag("send"))
		got := make([]byte, 1<<16)
		for n := 0; n < len(big); {
			m, err := unix.Read(fds[1], got)
			require.NoError(t, err)
			n += m
			var none [1]ops.Completion
			if _, err = r.Wait(none[:], 1, 0); err == nil {
				assert.Equal(t, "send", none[0].Tag)
				assert.Equal(t, len(big), none[0].N())
			}
		}
		for i := range readers {
			write(t, fds[1], "x")
			for c := take(t, r); ; c = take(t, r) {
				require.NoError(t, c.Err())
				if c.Tag == i {
					break
				}
				require.Contains(t, []any{"edge", "send"}, c.Tag, "they are served in order")
			}
		}
		require.NoError(t, r.Cancel(edge))
		for c := take(t, r); c.More; c = take(t, r) {
			assert.Equal(t, "edge", c.Tag)
		}
		closeAll(t, fds[:]...)
	})
}

// Calls that block without end hold up their like alone, and none of them outlives
// Close.
func TestFullCrew(t *testing.T) {
	before := runtime.NumGoroutine()
	eachMode(t, ring.Config{KernelWorkers: 1}, func(t *testing.T, r *ring.Ring) {
		dir := t.TempDir()
		fifo := filepath.Join(dir, "fifo")
		require.NoError(t, unix.Mkfifo(fifo, 0o600))
		submit(t, r, ops.Open(fifo, unix.O_WRONLY, 0).WithTag("blocked"))
		second := submit(t, r, ops.Open(fifo, unix.O_WRONLY, 0).WithTag("queued"))
		submit(t, r, ops.Mkdir(filepath.Join(dir, "folder"), 0o700).WithTag("mkdir"))
		c := take(t, r)
		assert.Equal(t, "mkdir", c.Tag)
		assert.NoError(t, c.Err())
		require.NoError(t, r.Cancel(second))
		c = take(t, r)
		assert.Equal(t, "queued", c.Tag)
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		// Close interrupts the other one.
	})
	assert.Eventually(t, func() bool { // which has a goroutine of its own
		return runtime.NumGoroutine() <= before+1
	}, patience, time.Millisecond)
}

// Direct descriptors and messages go from one engine to the other, as far as the
// kernel's one lets them.
func TestAcrossEngines(t *testing.T) {
	if !testkit.KernelHas("6.0") {
		t.Skip("needs Linux 6.0")
	}
	kernel, err := ring.New(ring.Config{Engine: ring.IOURing})
	if errors.Is(err, ops.ErrNotSupported) {
		t.Skip(err) // nothing to compare with
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, kernel.Close()) }()
	r, err := ring.New(ring.Config{Engine: ring.Portable})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	in, out := pipe(t)
	for _, way := range [][2]*ring.Ring{{r, kernel}, {kernel, r}} {
		from, to := way[0], way[1]
		if from == kernel && !testkit.KernelHas("6.8") {
			continue // no FIXED_FD_INSTALL
		}
		c, err := from.Do(t.Context(), ops.Register(out))
		require.NoError(t, err)
		d, err := from.SendDirect(t.Context(), c.Direct(), to)
		require.NoError(t, err)
		_, err = to.Do(t.Context(), ops.Write(d.FD(), []byte("hi"), ops.Current))
		require.NoError(t, err)
		buf := make([]byte, 2)
		_, err = unix.Read(in, buf)
		require.NoError(t, err)
		assert.Equal(t, "hi", string(buf))
	}
	closeAll(t, in, out)
}

// Numbers that are no files are refused, however large, without room made for them.
func TestNumbersOfNothing(t *testing.T) {
	eachMode(t, ring.Config{}, func(t *testing.T, r *ring.Ring) {
		g, err := r.NewBufferRing(ring.BufferConfig{Buffers: 2, Size: 64})
		require.NoError(t, err)
		for _, fd := range []int{-1, 1 << 27} {
			for _, q := range []ops.Request{
				ops.Accept(fd, 0), ops.AcceptMulti(fd, 0), ops.ReadMulti(fd, g), ops.RecvMulti(fd, g, 0),
				ops.Read(fd, make([]byte, 1), 0), ops.Send(fd, make([]byte, 1), 0), ops.Fsync(fd),
				ops.Splice(fd, -1, fd, -1, 1, 0), readiness.Once(fd, readiness.In), readiness.Edge(fd, readiness.In),
				ops.Recv(fd, make([]byte, 1), 0).WithPollFirst(), ops.Accept(fd, 0).WithPollFirst(),
			} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				submit(t, r, q)
				c := take(t, r)
				runtime.ReadMemStats(&after)
				assert.ErrorIs(t, c.Err(), unix.EBADF, "%v", c.Err())
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<25), "%v", c.Err())
			}
		}
	})
}
