package ops

import "sync/atomic"

// FutexVectors is the argument of a wait for several futexes, which package locks
// makes. The kernel reads List; Words keeps what List points to reachable.
type FutexVectors struct {
	Words []*atomic.Uint32
	List  []FutexVector
}

// FutexVector is the kernel's struct futex_waitv (futex(2)).
type FutexVector struct {
	Value    uint64 // what the word at Address must hold
	Address  uint64
	Flags    uint32 // FUTEX2 flags
	Reserved uint32
}

// MaxFutexes is the largest number of futexes in one wait (FUTEX_WAITV_MAX).
const MaxFutexes = 128

// validateFutex checks the requests that package locks makes: Arg is the word,
// Offset the value or the count, Offset2 the mask, Flags those of futex2.
func (r *Request) validateFutex() error {
	if r.Code != CodeFutexWaitv {
		if w, ok := r.Arg.(*atomic.Uint32); !ok || w == nil {
			return r.wrong("argument %T: want an *atomic.Uint32 that is not nil", r.Arg)
		}
		return nil
	}
	v, ok := r.Arg.(*FutexVectors)
	if !ok || v == nil || len(v.Words) != len(v.List) {
		return r.wrong("argument %T: want a *FutexVectors made by package locks", r.Arg)
	}
	if len(v.List) == 0 || len(v.List) > MaxFutexes {
		return r.wrong("%d futexes: want 1 to %d", len(v.List), MaxFutexes)
	}
	return nil
}
