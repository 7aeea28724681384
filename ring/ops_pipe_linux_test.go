package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// covers: pipe2
func TestOpMakePipe(t *testing.T) {
	needs(t, "6.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ends := new(ops.PipeEnds)
		c := do(t, r, ops.Pipe(ends, unix.O_NONBLOCK))
		rd, wr := c.Pipe()
		own(t, rd)
		own(t, wr)
		assert.Same(t, ends, c.Arg)
		assert.Equal(t, -1, c.FD())
		do(t, r, ops.Write(wr, []byte("through"), ops.Current))
		assert.Equal(t, "through", string(do(t, r, ops.Read(rd, make([]byte, 9), ops.Current)).Bytes()))
		for _, fd := range []int{rd, wr} {
			assert.NotZero(t, fcntl(t, fd, unix.F_GETFL)&unix.O_NONBLOCK)
			assert.Equal(t, unix.FD_CLOEXEC, fcntl(t, fd, unix.F_GETFD))
		}
		c = do(t, r, ops.Pipe(ends, 0).Inheritable()) // the same PipeEnds, since they are ours again
		rd, wr = c.Pipe()
		assert.Zero(t, fcntl(t, own(t, rd), unix.F_GETFD))
		assert.Zero(t, fcntl(t, own(t, wr), unix.F_GETFD))
	})
}

// A request that failed left no descriptor, not even one of the two.
func TestOpPipeFailures(t *testing.T) {
	needs(t, "6.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fails(t, r, ops.Pipe(new(ops.PipeEnds), unix.O_RDWR), syscall.EINVAL, "")
		c, _ := try(t, r, ops.Pipe(new(ops.PipeEnds), unix.O_RDWR))
		rd, wr := c.Pipe()
		assert.Equal(t, [2]int{-1, -1}, [2]int{rd, wr})
	})
}

// With room for one descriptor, a pipe takes none.
func TestOpPipeOutOfDescriptors(t *testing.T) {
	needs(t, "6.16")
	testkit.Child(t, func() {
		r, err := ring.New(ring.Config{})
		require.NoError(t, err)
		defer r.Close()
		before := testkit.Descriptors()
		one, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		limit := unix.Rlimit{Cur: uint64(one) + 1, Max: 1 << 10}
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		require.NoError(t, unix.Close(one)) // room for one, if those below are taken
		for range 10 {
			fails(t, r, ops.Pipe(new(ops.PipeEnds), 0), syscall.EMFILE, "")
		}
		limit.Cur = limit.Max
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		assert.Equal(t, before, testkit.Descriptors())
	})
}

// A cancel ends it before it began, or comes too late: then the completion brings
// both ends. None is lost. (trap 24)
func TestOpPipeCanceled(t *testing.T) {
	needs(t, "6.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for range 100 {
			id := queue(t, r, ops.Pipe(new(ops.PipeEnds), 0))
			require.NoError(t, r.Cancel(id))
			closePipe(t, next(t, r))
		}
		// In a chain, behind a request that fails.
		group := ops.Chain(ops.Close(noFD), ops.Pipe(new(ops.PipeEnds), 0), ops.Nop())
		require.NoError(t, r.SubmitAll(group, nil))
		for range group {
			c := next(t, r)
			assert.Error(t, c.Err())
			closePipe(t, c)
		}
	})
}

// What nobody took before Close can be taken after it.
func TestOpPipeTakenAfterClose(t *testing.T) {
	needs(t, "6.16")
	eachMode(t, func(t *testing.T, newRing maker) {
		noLeaks(t)
		r := newRing(ring.Config{})
		id := submit(t, r, ops.Pipe(new(ops.PipeEnds), 0))
		require.NoError(t, r.Flush())
		require.NoError(t, r.Close())
		var one [1]ops.Completion
		_, err := r.Wait(one[:], 1, patience)
		require.NoError(t, err)
		require.Equal(t, id, one[0].ID)
		closePipe(t, &one[0])
	})
}

// closePipe closes what c brought.
func closePipe(t testing.TB, c *ops.Completion) {
	t.Helper()
	rd, wr := c.Pipe()
	if c.OK() && c.Code == ops.CodePipe {
		require.NoError(t, unix.Close(rd))
		require.NoError(t, unix.Close(wr))
		return
	}
	assert.Equal(t, [2]int{-1, -1}, [2]int{rd, wr})
}
