package locks

import (
	"sync/atomic"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/ops"
)

// MatchAny is the mask of a futex wait or wake that matches every other.
const MatchAny uint32 = futex.MatchAny

// FutexWait returns a request that completes when word is woken with a mask that
// has a bit in common with mask, provided that word holds value when the wait
// begins; else it ends in EAGAIN. It can also be woken without a reason: look at the
// word again. The word may be in memory that processes share, or on the heap; it
// must not be on a stack. The Ring keeps it reachable.
//
// Native from kernel 6.7 (io_uring_prep_futex_wait(3)); before, a thread waits, of
// which ring.Config.LockThreads can; beyond them a waiter notices only that the
// value has changed. See FUTEX_WAIT_BITSET in futex(2).
func FutexWait(word *atomic.Uint32, value, mask uint32) ops.Request {
	return ops.Request{
		Code: ops.CodeFutexWait, FD: -1, Flags: futex.Size32,
		Arg: arg(word), Offset: int64(value), Offset2: int64(mask),
	}
}

// FutexWake returns a request that ends at most n waits on word whose mask has a bit
// in common with mask. N is their number. Native from kernel 6.7
// (io_uring_prep_futex_wake(3)), else futex(2).
func FutexWake(word *atomic.Uint32, n int, mask uint32) ops.Request {
	return ops.Request{
		Code: ops.CodeFutexWake, FD: -1, Flags: futex.Size32,
		Arg: arg(word), Offset: int64(max(n, 0)), Offset2: int64(mask),
	}
}

// FutexWaitv returns a request that completes when one of words is woken, provided
// that each holds the value with the same index when the wait begins; else it ends
// in EAGAIN. Res is the index of one that was woken. There can be ops.MaxFutexes
// words, each with its value.
//
// Native from kernel 6.7 (io_uring_prep_futex_waitv(3)); from 5.16 a thread waits,
// as for FutexWait; before, it ends in ENOSYS.
func FutexWaitv(words []*atomic.Uint32, values []uint32) ops.Request {
	r := ops.Request{Code: ops.CodeFutexWaitv, FD: -1}
	if len(words) != len(values) {
		return r // without an argument it is refused
	}
	for _, w := range words {
		if w == nil {
			return r
		}
	}
	r.Arg = futex.Vectors(words, values)
	return r
}

// arg returns a word as an argument; none for nil, so that Submit refuses it.
func arg(word *atomic.Uint32) any {
	if word == nil {
		return nil
	}
	return word
}

// WordAt returns the futex word at the beginning of mem, which is usually a mapping
// that processes share (unix.Mmap with MAP_SHARED). mem must begin at a multiple of
// four, and remain mapped while the word is in use; ErrInvalid if it does not or is
// too short.
func WordAt(mem []byte) (*atomic.Uint32, error) {
	if w := futex.Word32(mem); w != nil {
		return w, nil
	}
	return nil, ops.Invalid("a futex word takes 4 bytes at a multiple of 4; %d given", len(mem))
}
