package locking

import (
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
)

func futexRequest(c ops.Code, w *atomic.Uint32, v, mask uint32) ops.Request {
	return ops.Request{Code: c, FD: -1, Flags: futex.Size32, Arg: w, Offset: int64(v), Offset2: int64(mask)}
}

// The way of kernels before 6.7, with threads and without.
func TestFutexByThreads(t *testing.T) {
	for _, limit := range []int{2, 0} {
		s, to, w := newSource(t, limit), newInbox(), new(atomic.Uint32)
		res := atOnce(t, s, futexRequest(ops.CodeFutexWait, w, 1, futex.MatchAny))
		require.Equal(t, -int32(syscall.EAGAIN), res.Res)

		begin(t, s, 1, futexRequest(ops.CodeFutexWait, w, 0, 2), to)
		if limit != 0 {
			eventually(t, "the wait is woken", func() bool {
				require.Zero(t, atOnce(t, s, futexRequest(ops.CodeFutexWake, w, 1, 4)).Res, "another mask")
				return atOnce(t, s, futexRequest(ops.CodeFutexWake, w, 1, 2)).Res == 1
			})
		} else {
			w.Store(1) // this is what it sees without a thread
		}
		d := to.next(t)
		require.Equal(t, uint64(1), d.id)
		require.Zero(t, d.res.Res)

		begin(t, s, 2, futexRequest(ops.CodeFutexWait, w, w.Load(), 2), to)
		if !s.Cancel(2, to) {
			require.Equal(t, -int32(syscall.ECANCELED), to.next(t).res.Res)
		}
		require.False(t, s.Cancel(2, to))
	}
}

func TestFutexWaitvByThreads(t *testing.T) {
	for _, limit := range []int{1, 0} {
		if limit != 0 && !testkit.KernelHas("5.16") {
			continue // no such system call
		}
		s, to := newSource(t, limit), newInbox()
		words := []*atomic.Uint32{new(atomic.Uint32), new(atomic.Uint32)}
		wait := ops.Request{Code: ops.CodeFutexWaitv, FD: -1, Arg: futex.Vectors(words, []uint32{0, 0})}
		begin(t, s, 1, wait, to)
		if limit != 0 {
			eventually(t, "the wait is woken", func() bool {
				return atOnce(t, s, futexRequest(ops.CodeFutexWake, words[1], 1, futex.MatchAny)).Res == 1
			})
		} else {
			words[1].Store(1)
		}
		require.EqualValues(t, 1, to.next(t).res.Res)
		words[0].Store(5)
		require.Equal(t, -int32(syscall.EAGAIN), atOnce(t, s, wait).Res)
	}
}
