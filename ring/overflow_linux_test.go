package ring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// More completions than the completion ring holds, before anybody waits: none is
// lost (trap 13).
func TestOverflowLosesNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 1})
		all := 3*r.Info().CompletionEntries + 7
		in, out := pipe2(t, unix.O_CLOEXEC)
		_, err := unix.FcntlInt(uintptr(out), unix.F_SETPIPE_SZ, 1<<17)
		require.NoError(t, err)
		require.GreaterOrEqual(t, 1<<17, all)
		for i := range all {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
		}
		require.NoError(t, r.Flush())
		n, err := unix.Write(out, make([]byte, all))
		require.NoError(t, err)
		require.Equal(t, all, n)
		seen := make([]bool, all)
		dst := make([]ops.Completion, 100)
		for left := all; left > 0; {
			n, err := r.Wait(dst, 1, patience)
			require.NoError(t, err, "%d are missing", left)
			for _, c := range dst[:n] {
				require.NoError(t, c.Err())
				require.Equal(t, 1, c.N())
				require.False(t, seen[c.Tag.(int)])
				seen[c.Tag.(int)] = true
			}
			left -= n
		}
		stillWorks(t, r)
	})
}

// An overflow ends the kernel's multishot requests, and not ours (traps 13 and
// 14): polls, accepts, and the one that brings wake-ups.
func TestOverflowEndsNoMultishot(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 1})
		in, out := pipe(t)
		listening, addr := listener(t, 0, 100)
		submit(t, r, readiness.Edge(in, readiness.In).WithTag("edge"))
		submit(t, r, ops.AcceptMulti(listening, 0).WithTag("accept"))
		all := 2*r.Info().CompletionEntries + 1
		polled, polledOut := pipe(t)
		for range all {
			submit(t, r, readiness.Once(polled, readiness.In).WithTag("once"))
		}
		require.NoError(t, r.Flush())
		write(t, polledOut, "x") // it ends all of them at once
		once, edges, conns := 0, 0, 0
		const clients = 20
		for range clients {
			dial(t, addr)
			write(t, out, "x")
		}
		count := func(c ops.Completion) {
			require.NoError(t, c.Err())
			require.Equal(t, c.Tag != "once", c.More)
			switch c.Tag {
			case "once":
				once++
			case "edge":
				edges++
				drainPipe(t, in)
			case "accept":
				conns++
				require.NoError(t, unix.Close(c.FD()))
			}
		}
		for once < all || conns < clients || edges == 0 {
			count(takeOne(t, r))
		}
		// Both are armed still, and wake-ups are heard.
		for range 3 {
			before := edges
			write(t, out, "x")
			for edges == before {
				count(takeOne(t, r))
			}
			before = conns
			dial(t, addr)
			for conns == before {
				count(takeOne(t, r))
			}
		}
		join := during(t, r.Wake)
		var dst [1]ops.Completion
		var err error
		for err == nil {
			_, err = r.Wait(dst[:], 1, patience)
		}
		require.ErrorIs(t, err, ops.ErrWoken)
		join()
	})
}

// Thousands of requests of all kinds in flight at once.
func TestManyInFlight(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 16})
		const all = 20000
		in, out := pipe(t)
		for i := range all {
			switch i % 4 {
			case 0:
				submit(t, r, ops.Nop().WithTag(i))
			case 1:
				submit(t, r, readiness.Once(in, readiness.In).WithTag(i))
			case 2:
				submit(t, r, ops.Timer(0).WithTag(i))
			case 3:
				_, err := r.Post(i, ops.Normal)
				require.NoError(t, err)
			}
		}
		require.NoError(t, r.Flush())
		write(t, out, "x")
		begin := time.Now()
		byTag(t, take(t, r, all))
		require.Less(t, time.Since(begin), patience, "it waited for more than the completion ring holds")
	})
}
