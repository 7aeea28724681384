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

func TestCancel(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		_, full := pipe(t)
		fill(t, full)
		sock, _ := socketpair(t, 0)
		listening, _ := listener(t, 0, 4)
		for name, req := range map[string]ops.Request{
			"read":        ops.Read(in, make([]byte, 1), ops.Current),
			"write":       ops.Write(full, []byte("x"), ops.Current),
			"recv":        ops.Recv(sock, make([]byte, 1), 0),
			"accept":      ops.Accept(listening, 0),
			"multiaccept": ops.AcceptMulti(listening, 0),
			"poll":        readiness.Once(in, readiness.In),
			"edge":        readiness.Edge(in, readiness.In),
			"level":       readiness.Level(in, readiness.In),
			"timer":       ops.Timer(time.Hour),
			"splice":      ops.Splice(in, ops.Current, full, ops.Current, 10, 0), // in a worker
		} {
			for _, started := range []bool{false, true} {
				id := queue(t, r, req.WithTag(name))
				if started {
					takeNone(t, r)
				}
				require.NoError(t, r.Cancel(id), name)
				if err := r.Cancel(id); err != nil { // twice is fine, unless it has ended
					require.ErrorIs(t, err, ops.ErrNotFound)
				}
				c := takeOne(t, r)
				require.ErrorIs(t, c.Err(), ops.ErrCanceled, name)
				require.Equal(t, ops.ByCancel, c.Cause)
				require.Equal(t, id, c.ID)
				require.False(t, c.More)
				require.ErrorIs(t, r.Cancel(id), ops.ErrNotFound, name)
			}
		}
		stillWorks(t, r)
	})
}

// fill writes to a pipe until it is full.
func fill(t testing.TB, fd int) {
	t.Helper()
	require.NoError(t, unix.SetNonblock(fd, true))
	for {
		if _, err := unix.Write(fd, make([]byte, 4096)); err == unix.EAGAIN {
			break
		}
	}
	require.NoError(t, unix.SetNonblock(fd, false))
}

// An ID whose slot serves another request names nothing (trap 17).
func TestCancelStaleID(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 1})
		in, out := pipe(t)
		var old []ops.ID
		for range 5 {
			old = append(old, queue(t, r, ops.Nop()))
			takeOne(t, r)
		}
		id := submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		for _, stale := range append(old, 0, id+1, id-1, ^ops.ID(0), id|1<<63, 1<<63) {
			err := r.Cancel(stale)
			require.ErrorIs(t, err, ops.ErrNotFound)
			assert.ErrorContains(t, err, stale.String())
		}
		takeNone(t, r)
		write(t, out, "x")
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, id, c.ID)
	})
}

// Completions that belong to requests of the past change nothing (trap 17): the
// one of a cancel comes when its target has long been taken, and its slot
// reused.
func TestCancelOfWhatHasJustEnded(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 2})
		in, out := pipe(t)
		for range 500 {
			id := submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag("read"))
			write(t, out, "x")
			if err := r.Cancel(id); err != nil {
				require.ErrorIs(t, err, ops.ErrNotFound)
			}
			next := submit(t, r, ops.Nop().WithTag("nop"))
			all := byTag(t, take(t, r, 2))
			c := all["read"]
			if c.Err() != nil {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				drainPipe(t, in)
			}
			require.Equal(t, next, all["nop"].ID)
		}
	})
}

func TestCancelFD(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		other, otherOut := pipe(t)
		dir, err := unix.Open(".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		closeAtEnd(t, dir)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag("read"))
		submit(t, r, readiness.Edge(in, readiness.In).WithTag("edge"))
		submit(t, r, readiness.Level(in, readiness.In).WithTag("level"))
		submit(t, r, ops.Splice(in, ops.Current, otherOut, ops.Current, 1, 0).WithTag("splice"))
		submit(t, r, ops.Read(other, make([]byte, 1), ops.Current).WithTag("other"))
		submit(t, r, ops.Timer(time.Hour).WithTag("timer"))
		takeNone(t, r)
		n, err := r.CancelFD(in)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		for tag, c := range byTag(t, take(t, r, 4)) {
			require.ErrorIs(t, c.Err(), ops.ErrCanceled, tag)
			require.NotContains(t, []any{"other", "timer"}, tag)
		}
		for _, fd := range []int{in, out, -1, 1 << 30, 0} {
			n, err = r.CancelFD(fd)
			require.NoError(t, err)
			require.Zero(t, n, "fd %d", fd)
		}
		n, err = r.CancelAll()
		require.NoError(t, err)
		require.Equal(t, 2, n)
		take(t, r, 2)
		n, err = r.CancelAll()
		require.NoError(t, err)
		require.Zero(t, n)
		stillWorks(t, r)
	})
}

// Cancels have their own lane: no queue, no window and no full submission ring
// holds them back (trap 5).
func TestCancelAheadOfEverything(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const blocked = 20
		r := newRing(ring.Config{Entries: 4, InFlight: blocked, Reserve: -1})
		in, out := pipe(t)
		var ids [blocked]ops.ID
		for i := range ids {
			ids[i] = submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
		}
		require.NoError(t, r.Flush())
		for i := range 200 { // the window is full
			queue(t, r, ops.Nop().WithPriority(ops.Highest).WithTag(100+i))
		}
		takeNone(t, r)
		for i, id := range ids {
			require.NoError(t, r.Cancel(id))
			if i%2 == 0 {
				queue(t, r, ops.Nop().WithPriority(ops.Highest).WithTag(1000+i))
			}
		}
		canceled := 0
		for _, c := range take(t, r, blocked+200+blocked/2) {
			if c.Tag.(int) < 100 {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				canceled++
			}
		}
		require.Equal(t, blocked, canceled)
		write(t, out, "x")
	})
}

// The result of a cancel says nothing about its target (trap 23), whose result
// is what happened: a descriptor that was accepted or opened after all is
// delivered, and not lost (trap 24).
func TestCancelLosesNoDescriptor(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		listening, addr := listener(t, 0, 1000)
		before := testkit.Descriptors()
		delivered, canceled := 0, 0
		const rounds = 300
		for i := range rounds {
			accept := submit(t, r, ops.Accept(listening, 0).WithTag("accept"))
			open := submit(t, r, ops.Open("/", unix.O_RDONLY, 0).WithTag("open"))
			var wg sync.WaitGroup
			wg.Go(func() {
				fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if assert.NoError(t, err) {
					assert.NoError(t, unix.Connect(fd, addr))
					assert.NoError(t, unix.Close(fd))
				}
			})
			for range i % 50 {
				unix.Getpid()
			}
			_ = r.Cancel(accept)
			_ = r.Cancel(open)
			for _, c := range take(t, r, 2) {
				if c.Err() != nil {
					require.ErrorIs(t, c.Err(), ops.ErrCanceled)
					canceled++
					continue
				}
				require.NoError(t, unix.Close(c.FD()))
				if c.Tag == "accept" {
					delivered++
				}
			}
			wg.Wait()
		}
		t.Log(delivered, "accepted,", canceled, "cancelled")
		require.Equal(t, before, testkit.Descriptors())
		// Connections that nobody accepted are still there.
		for ; delivered < rounds; delivered++ {
			submit(t, r, ops.Accept(listening, 0))
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			require.NoError(t, unix.Close(c.FD()))
		}
	})
}

// A multishot accept that is cancelled has delivered all that it accepted.
func TestCancelMultishotLosesNoDescriptor(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		listening, addr := listener(t, 0, 1000)
		const clients = 100
		id := submit(t, r, ops.AcceptMulti(listening, 0))
		join := during(t, func() {
			for range clients {
				fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if assert.NoError(t, err) {
					assert.NoError(t, unix.Connect(fd, addr))
					assert.NoError(t, unix.Close(fd))
				}
			}
		})
		accepted := 0
		for more := true; more; {
			c := takeOne(t, r)
			if more = c.More; c.FD() >= 0 {
				accepted++
				require.NoError(t, unix.Close(c.FD()))
			}
			if accepted == clients/2 {
				_ = r.Cancel(id)
			}
		}
		join()
		for ; accepted < clients; accepted++ {
			submit(t, r, ops.Accept(listening, 0))
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			require.NoError(t, unix.Close(c.FD()))
		}
	})
}

// Timeouts of requests that wait in the queue and in the kernel, and deadlines
// of every sort; the earlier of both counts.
func TestTimeouts(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, window := range []int{1, 0} {
			r := newRing(ring.Config{InFlight: window})
			in, out := pipe(t)
			read := ops.Read(in, make([]byte, 1), ops.Current)
			submit(t, r, read.WithTag("blocks"))
			before := time.Now()
			far, near := before.Add(time.Hour), before.Add(moment)
			reqs := []ops.Request{
				read.WithTimeout(moment), read.WithDeadline(near), read.WithTimeout(1), read.WithTimeout(moment).WithDeadline(far),
				read.WithTimeout(time.Hour).WithDeadline(near), read.WithDeadline(before), read.WithDeadline(time.Unix(1, 0)),
				ops.Timer(time.Hour).WithTimeout(moment), ops.Timer(time.Hour).WithDeadline(near),
				readiness.Edge(in, readiness.In).WithTimeout(moment), readiness.Level(in, readiness.In).WithDeadline(near),
				read.WithTimeout(1<<63 - 1), read.WithTimeout(moment).WithTimeout(0), read.WithDeadline(far), // trap 39
			}
			submitAll(t, r, reqs)
			for _, c := range take(t, r, len(reqs)-3) {
				require.ErrorIs(t, c.Err(), ops.ErrTimeout, c.Tag)
				require.Equal(t, ops.ByTimeout, c.Cause)
				require.Less(t, c.Tag, len(reqs)-3)
			}
			require.GreaterOrEqual(t, time.Since(before), moment)
			takeNone(t, r)
			write(t, out, "1234")
			for _, c := range take(t, r, 4) {
				require.NoError(t, c.Err())
			}
			require.Zero(t, r.Stats().Timers)
		}
	})
}

// A timeout that races with success: one of them is reported, and it is true.
func TestTimeoutRacesWithSuccess(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		got := 0
		const rounds = 300
		for i := range rounds {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTimeout(200*time.Microsecond))
			var wg sync.WaitGroup
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				_, _ = unix.Write(out, []byte("x"))
			})
			c := takeOne(t, r)
			if c.Err() == nil {
				got += c.N()
			} else {
				require.ErrorIs(t, c.Err(), ops.ErrTimeout)
			}
			wg.Wait()
		}
		require.Equal(t, rounds, got+inPipe(t, in), "bytes were lost")
	})
}

// What is cancelled in the queue leaves it, also while the window is full.
func TestCancelInQueueLeavesNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 1, Capacity: 100})
		in, out := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag("blocks"))
		require.NoError(t, r.Flush())
		live := submit(t, r, ops.Nop().WithTag("live"))
		for range 5000 {
			require.NoError(t, r.Cancel(submit(t, r, ops.Nop())))
			takeOne(t, r)
			require.Equal(t, 1, r.Stats().Queued)
		}
		write(t, out, "x")
		require.Equal(t, "blocks", takeOne(t, r).Tag)
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, live, c.ID)
	})
}
