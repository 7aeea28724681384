package ring_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// engines lists those that the whole suite runs on: both, unless SLUICE_ENGINE names
// one.
var engines = func() []ring.Engine {
	only, err := ring.ParseEngine(os.Getenv("SLUICE_ENGINE"))
	switch {
	case err != nil:
		panic(err)
	case only != ring.Auto:
		return []ring.Engine{only}
	}
	return []ring.Engine{ring.IOURing, ring.Portable}
}()

// patience is how long a test waits for what must happen. It is much longer than
// anything takes, so that a busy machine fails no test.
const patience = 20 * time.Second

// moment is how long a test waits to see that something does not happen, or for
// a goroutine to get to where it blocks. Too short never fails a correct Ring.
const moment = 10 * time.Millisecond

// maker makes a Ring of the mode under test. The calling goroutine owns it.
type maker func(cfg ring.Config) *ring.Ring

// eachMode runs f for every engine and ownership mode. Rings that f makes are
// closed at its end, on the same goroutine, and what they delivered until then
// is counted.
func eachMode(t *testing.T, f func(t *testing.T, newRing maker)) {
	for _, engine := range engines {
		for _, pinned := range []bool{false, true} {
			name := fmt.Sprintf("%v/shared", engine)
			if pinned {
				name = fmt.Sprintf("%v/pinned", engine)
			}
			t.Run(name, func(t *testing.T) {
				f(t, func(cfg ring.Config) *ring.Ring {
					t.Helper()
					cfg.Engine, cfg.Pinned = engine, pinned
					r, err := ring.New(cfg)
					require.NoError(t, err)
					t.Cleanup(func() { closeRing(t, r) })
					return r
				})
			})
		}
	}
}

// closeRing closes r, takes what is left in it, and looks whether it kept count.
func closeRing(t testing.TB, r *ring.Ring) {
	assert.NoError(t, r.Close())
	drain(t, r)
	s := r.Stats()
	assert.Zero(t, s.Stray, "completions of no request")
	assert.Equal(t, [5]int{}, [5]int{s.Pending, s.InKernel, s.Queued, s.Ready, s.Timers},
		"pending, in kernel, queued, ready, timers")
	assert.Equal(t, s.Submitted, s.Completed, "submitted and completed")
}

// drain takes the completions of a closed Ring, closes the descriptors in them,
// and returns them.
func drain(t testing.TB, r *ring.Ring) (all []ops.Completion) {
	var dst [16]ops.Completion
	for {
		n, err := r.Wait(dst[:], 1, ring.Forever)
		for i := range dst[:n] {
			if fd := dst[i].FD(); fd >= 0 {
				_ = unix.Close(fd)
			}
		}
		all = append(all, dst[:n]...)
		if n == 0 {
			assert.ErrorIs(t, err, ops.ErrClosed)
			return all
		}
	}
}

// submit starts req.
func submit(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Submit(req)
	require.NoError(t, err)
	require.NotZero(t, id)
	return id
}

// queue stages req.
func queue(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Queue(req)
	require.NoError(t, err)
	return id
}

// take waits for n completions, no more, and returns them in order.
func take(t testing.TB, r *ring.Ring, n int) []ops.Completion {
	t.Helper()
	dst := make([]ops.Completion, n)
	got, err := r.Wait(dst, n, patience)
	require.NoError(t, err, "after %d of %d completions", got, n)
	require.Equal(t, n, got)
	return dst
}

// takeOne waits for one completion.
func takeOne(t testing.TB, r *ring.Ring) ops.Completion {
	t.Helper()
	return take(t, r, 1)[0]
}

// takeNone sees that there is no completion, for a moment.
func takeNone(t testing.TB, r *ring.Ring) {
	t.Helper()
	var dst [1]ops.Completion
	n, err := r.Wait(dst[:], 1, moment)
	require.ErrorIs(t, err, ops.ErrTimeout, "%+v", dst[:n])
	require.Zero(t, n)
}

// stillWorks sees that r carries out requests.
func stillWorks(t testing.TB, r *ring.Ring) {
	t.Helper()
	id := submit(t, r, ops.Nop().WithTag("works"))
	c := takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, id, c.ID)
	require.Equal(t, "works", c.Tag)
}

// byTag returns completions by their tags, which must differ.
func byTag(t testing.TB, all []ops.Completion) map[any]ops.Completion {
	t.Helper()
	m := map[any]ops.Completion{}
	for _, c := range all {
		if _, twice := m[c.Tag]; twice { // NotContains takes long with many
			require.FailNow(t, "twice", "%v", c.Tag)
		}
		m[c.Tag] = c
	}
	return m
}

// pipe returns a pipe whose ends block.
func pipe(t testing.TB) (r, w int) {
	t.Helper()
	return pipe2(t, unix.O_CLOEXEC)
}

// pipe2 returns a pipe that is closed at the end of the test.
func pipe2(t testing.TB, flags int) (r, w int) {
	t.Helper()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], flags))
	closeAtEnd(t, fds[:]...)
	return fds[0], fds[1]
}

// socketpair returns two connected stream sockets.
func socketpair(t testing.TB, flags int) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	require.NoError(t, err)
	closeAtEnd(t, fds[:]...)
	return fds[0], fds[1]
}

// closeAtEnd closes the descriptors of files that nobody else opens, unless the test
// has done so: their numbers may be a Ring's by then.
func closeAtEnd(t testing.TB, fds ...int) {
	t.Helper()
	files := make([]unix.Stat_t, len(fds))
	for i, fd := range fds {
		require.NoError(t, unix.Fstat(fd, &files[i]))
	}
	t.Cleanup(func() {
		for i, fd := range fds {
			var now unix.Stat_t
			if unix.Fstat(fd, &now) == nil && now.Dev == files[i].Dev && now.Ino == files[i].Ino {
				_ = unix.Close(fd)
			}
		}
	})
}

// write puts text into a pipe or socket.
func write(t testing.TB, fd int, text string) {
	t.Helper()
	n, err := unix.Write(fd, []byte(text))
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

// listener returns a listening socket of the abstract UNIX namespace and its
// address.
func listener(t testing.TB, flags, backlog int) (int, *unix.SockaddrUnix) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	require.NoError(t, err)
	closeAtEnd(t, fd)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{})) // the kernel picks a name
	require.NoError(t, unix.Listen(fd, backlog))
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	return fd, name.(*unix.SockaddrUnix)
}

// dial connects to a listener.
func dial(t testing.TB, to *unix.SockaddrUnix) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	closeAtEnd(t, fd)
	require.NoError(t, unix.Connect(fd, to))
	return fd
}

// onDyingThread runs f on a thread that ends with it.
func onDyingThread(t testing.TB, f func()) {
	t.Helper()
	tid := make(chan int, 1)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		runtime.LockOSThread() // never unlocked: the runtime ends the thread
		if unix.Gettid() == unix.Getpid() {
			// But for the main one. While that is held, f gets another.
			defer runtime.UnlockOSThread()
			onDyingThread(t, func() {
				tid <- unix.Gettid()
				f()
			})
			return
		}
		tid <- unix.Gettid()
		f()
	}()
	wg.Wait()
	dead := <-tid
	require.Eventually(t, func() bool {
		return unix.Tgkill(unix.Getpid(), dead, 0) == unix.ESRCH
	}, patience, time.Millisecond, "the thread lives")
}

// during runs f beside the caller's work and has it end, at the latest, with the
// test. The returned function waits for it.
func during(t testing.TB, f func()) (join func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	join = func() { <-done }
	t.Cleanup(join)
	return join
}

// serve lets the owner of r wait until the goroutines behind join have ended,
// and returns the completions that came up.
func serve(t testing.TB, r *ring.Ring, join func()) (all []ops.Completion) {
	t.Helper()
	var over sync.WaitGroup
	over.Add(1)
	go func() {
		defer over.Done()
		join()
		r.Wake()
	}()
	var dst [64]ops.Completion
	for {
		n, err := r.Wait(dst[:], 1, patience)
		all = append(all, dst[:n]...)
		if err == nil {
			continue
		}
		require.ErrorIs(t, err, ops.ErrWoken)
		over.Wait()
		return all
	}
}
