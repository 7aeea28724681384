package ring_test

import (
	"sync"
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

// The kernel ends what a thread has submitted when that exits: the Ring submits
// it again, and nobody notices (trap 1).
func TestRequestsOutliveTheirThread(t *testing.T) {
	r := shared(t, ring.Config{Engine: ring.IOURing})
	in, out := pipe(t)
	nonblocking, nonblockingOut := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
	spliced, splicedOut := pipe(t)
	sock, peer := socketpair(t, 0)
	polled, polledOut := pipe(t)
	listening, addr := listener(t, 0, 4)
	buf := make([]byte, 8)
	withWorker := !testkit.KernelHas("6.16") || testkit.KernelHas("6.18")
	onDyingThread(t, func() {
		submit(t, r, ops.Read(in, buf, ops.Current).WithTag("read"))
		submit(t, r, ops.Recv(sock, make([]byte, 8), 0).WithTag("recv"))
		submit(t, r, ops.Accept(listening, 0).WithTag("accept"))
		submit(t, r, readiness.Once(polled, readiness.In).WithTag("once"))
		// In a worker of the kernel's, which ends with its thread. On Linux 6.16 and 6.17
		// the thread waits for it instead, for as long as the pipe is empty.
		if withWorker {
			submit(t, r, ops.Splice(spliced, ops.Current, splicedOut2(t), ops.Current, 8, 0).WithTag("splice"))
		} else {
			submit(t, r, ops.Read(spliced, make([]byte, 8), ops.Current).WithTag("splice"))
		}
		// It waits for readiness first.
		submit(t, r, ops.Splice(nonblocking, ops.Current, splicedOut2(t), ops.Current, 8, 0).WithTag("polling"))
		submit(t, r, ops.Timer(3*moment).WithTag("timer"))
	})
	c := takeOne(t, r)
	require.Equal(t, "timer", c.Tag, c.Err())
	takeNone(t, r)
	assert.True(t, r.Stats().Resubmitted > 0 || !withWorker)

	write(t, out, "data")
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "read", c.Tag)
	require.Equal(t, "data", string(buf[:c.N()]))
	write(t, peer, "data")
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "recv", c.Tag)
	dial(t, addr)
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "accept", c.Tag)
	closeAtEnd(t, c.FD())
	write(t, polledOut, "x")
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "once", c.Tag)
	write(t, splicedOut, "data")
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "splice", c.Tag)
	write(t, nonblockingOut, "data")
	c = takeOne(t, r)
	require.NoError(t, c.Err())
	require.Equal(t, "polling", c.Tag)
	takeNone(t, r)
}

// splicedOut2 returns the writing end of a pipe of its own.
func splicedOut2(t *testing.T) int {
	_, w := pipe(t)
	return w
}

// trap 1
func TestChainsOutliveTheirThread(t *testing.T) {
	for name, link := range map[string]func(...ops.Request) []ops.Request{"soft": ops.Chain, "hard": ops.HardChain} {
		r := shared(t, ring.Config{Engine: ring.IOURing})
		in, out := pipe(t)
		log, logOut := pipe(t)
		put := func(text string) ops.Request { return ops.Write(logOut, []byte(text), ops.Current) }
		read := func() ops.Request { return ops.Read(in, make([]byte, 1), ops.Current) }
		onDyingThread(t, func() {
			submitAll(t, r, link(put("a"), read(), put("b"), read(), put("c")))
			var dst [1]ops.Completion
			n, err := r.Wait(dst[:], 1, patience) // so that the second has started
			require.NoError(t, err)
			require.Equal(t, 0, dst[:n][0].Tag)
		})
		takeNone(t, r)
		require.Equal(t, 1, inPipe(t, log), name)
		write(t, out, "x")
		require.Equal(t, 1, takeOne(t, r).Tag, name)
		require.Equal(t, 2, takeOne(t, r).Tag, name)
		takeNone(t, r)
		require.Equal(t, 2, inPipe(t, log), name)
		write(t, out, "x")
		require.Equal(t, 3, takeOne(t, r).Tag, name)
		c := takeOne(t, r)
		require.Equal(t, 4, c.Tag)
		require.NoError(t, c.Err())
		require.Equal(t, 3, inPipe(t, log), name)
	}
}

// What is submitted again ends where it ended: a member behind it was cancelled,
// and must not be tied to whatever comes next in the submission ring (trap 1).
func TestChainThatWasCutOutlivesItsThread(t *testing.T) {
	r := shared(t, ring.Config{Engine: ring.IOURing})
	in, out := pipe(t)
	var ids []ops.ID
	onDyingThread(t, func() {
		ids = submitAll(t, r, ops.Chain(ops.Read(in, make([]byte, 1), ops.Current), ops.Nop(), ops.Nop()))
		require.NoError(t, r.Cancel(ids[2]))
	})
	// The kernel notices that the thread is gone when something happens.
	write(t, out, "x")
	drainPipe(t, in)
	c := takeOne(t, r)
	require.Equal(t, 2, c.Tag)
	require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	assert.NotZero(t, r.Stats().Resubmitted)
	queue(t, r, ops.Nop().WithTag("free"))
	c = takeOne(t, r)
	require.Equal(t, "free", c.Tag)
	for range 3 {
		stillWorks(t, r)
	}
	write(t, out, "x")
	for _, c := range take(t, r, 2) {
		require.NoError(t, c.Err())
	}
}

// trap 1
func TestMultishotOutlivesItsThread(t *testing.T) {
	r := shared(t, ring.Config{Engine: ring.IOURing})
	edge, edgeOut := pipe(t)
	level, levelOut := pipe(t)
	listening, addr := listener(t, 0, 4)
	onDyingThread(t, func() {
		submit(t, r, readiness.Edge(edge, readiness.In).WithTag("edge"))
		submit(t, r, readiness.Level(level, readiness.In).WithTag("level"))
		submit(t, r, ops.AcceptMulti(listening, 0).WithTag("accept"))
	})
	takeNone(t, r)
	for range 3 {
		write(t, edgeOut, "x")
		c := takeOne(t, r)
		require.Equal(t, "edge", c.Tag)
		require.NoError(t, c.Err())
		require.True(t, c.More)
		drainPipe(t, edge)
		write(t, levelOut, "x")
		c = takeOne(t, r)
		require.Equal(t, "level", c.Tag)
		require.True(t, c.More)
		drainPipe(t, level)
		dial(t, addr)
		c = takeOne(t, r)
		require.Equal(t, "accept", c.Tag)
		require.True(t, c.More)
		require.NoError(t, c.Err())
		closeAtEnd(t, c.FD())
		takeNone(t, r)
	}
}

// A cancel that is under way when the thread dies still counts (traps 1 and 23).
func TestCancelOutlivesItsThread(t *testing.T) {
	r := shared(t, ring.Config{Engine: ring.IOURing})
	in, _ := pipe(t)
	for i := range 50 {
		onDyingThread(t, func() {
			id := submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
			if i%2 == 0 {
				require.NoError(t, r.Cancel(id))
			} else {
				time.AfterFunc(0, func() { assert.NoError(t, r.Cancel(id)) })
			}
		})
		c := takeOne(t, r)
		require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		require.Equal(t, i, c.Tag)
	}
}

// Threads that come and go while others submit and wait (trap 1).
func TestThreadChurn(t *testing.T) {
	r := shared(t, ring.Config{Engine: ring.IOURing})
	const all = 100
	in, out := pipe(t)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			onDyingThread(t, func() {
				_, err := r.Submit(ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
				assert.NoError(t, err)
			})
		})
	}
	wg.Wait()
	takeNone(t, r)
	for range all {
		write(t, out, "x")
	}
	seen := byTag(t, take(t, r, all))
	for i := range all {
		c := seen[i]
		require.NoError(t, c.Err())
	}
}

// Only the owner of a pinned Ring may wait (trap 2).
func TestWrongThread(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	submit(t, r, ops.Nop())
	during(t, func() {
		var dst [1]ops.Completion
		for _, timeout := range []time.Duration{0, time.Second, ring.Forever} {
			n, err := r.Wait(dst[:], 1, timeout)
			assert.ErrorIs(t, err, ops.ErrWrongThread)
			assert.ErrorContains(t, err, "goroutine that called New")
			assert.Zero(t, n)
		}
		_, err := r.Wait(nil, 0, 0)
		assert.Error(t, err)
	})()
	takeOne(t, r)
	stillWorks(t, r)
}

// Everything else may be called from anywhere, while the owner waits (trap 2).
func TestOthersOnPinnedRing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		join := during(t, func() {
			id, err := r.Submit(ops.Read(in, make([]byte, 1), ops.Current).WithTag("a"))
			assert.NoError(t, err)
			time.Sleep(moment)
			assert.NoError(t, r.Cancel(id))
			_, err = r.Submit(ops.Read(in, make([]byte, 1), ops.Current).WithTag("b"))
			assert.NoError(t, err)
			n, err := r.CancelFD(in)
			assert.NoError(t, err)
			assert.Equal(t, 1, n-n/2) // the first one may be there as well
			assert.NoError(t, r.SubmitAll(ops.Chain(ops.Nop().WithTag("c"), ops.Nop().WithTag("d")), nil))
			_, err = r.Post("e", ops.Normal)
			assert.NoError(t, err)
			assert.NotEmpty(t, r.Info().Kernel)
			_ = r.Stats()
		})
		var dst [5]ops.Completion
		n, err := r.Wait(dst[:], 5, patience)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		byTag(t, dst[:])
		join()
	})
}

// A thread can register 16 ring descriptors: they must be given back, and running
// out of them is no reason to fail (trap 47).
func TestManyPinnedRings(t *testing.T) {
	for range 100 {
		r, err := ring.New(ring.Config{Pinned: true})
		require.NoError(t, err)
		stillWorks(t, r)
		closeRing(t, r)
	}
	rings := make([]*ring.Ring, 20)
	for i := range rings {
		var err error
		rings[i], err = ring.New(ring.Config{Pinned: true, Entries: 4})
		require.NoError(t, err, "ring %d on one thread", i+1)
	}
	for _, r := range rings {
		stillWorks(t, r)
	}
	for _, r := range rings {
		closeRing(t, r)
	}
	assert.Zero(t, testkit.RingDescriptors())
}
