// Package futex has the futex(2) calls on words that processes may share.
package futex

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// The operations of futex(2) in use: on shared words, so without the private flag.
const (
	waitBitset = 9
	wakeBitset = 10

	// MatchAny is the mask that matches every other.
	MatchAny = 0xffffffff

	// Size32 is the flag of futex2 for a word of 32 bits that processes may share.
	Size32 = 0x02
)

// Wait blocks while *w is v, until a Wake whose mask has a bit in common, or for
// at most timeout (negative: for ever). EAGAIN: *w is not v. ETIMEDOUT, EINTR.
func Wait(w *atomic.Uint32, v, mask uint32, timeout time.Duration) syscall.Errno {
	var until *unix.Timespec
	if timeout >= 0 {
		// FUTEX_WAIT_BITSET takes the time on the monotonic clock.
		until = new(unix.Timespec)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, until)
		*until = unix.NsecToTimespec(until.Nano() + int64(timeout))
	}
	_, _, errno := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(w)), waitBitset, uintptr(v),
		uintptr(unsafe.Pointer(until)), 0, uintptr(mask))
	return errno
}

// Wake ends at most n waits on w whose mask has a bit in common, and returns their
// number. It does not block.
func Wake(w *atomic.Uint32, n int, mask uint32) (int, syscall.Errno) {
	woken, _, errno := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(w)), wakeBitset,
		uintptr(n), 0, 0, uintptr(mask))
	return int(woken), errno
}

// sysWaitv is futex_waitv(2), whose number is the same on all architectures.
const sysWaitv = 449

// Waitv blocks while every word has its value, and returns the index of one that
// was woken (kernel 5.16).
func Waitv(v *ops.FutexVectors) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(sysWaitv, uintptr(unsafe.Pointer(unsafe.SliceData(v.List))),
		uintptr(len(v.List)), 0, 0, 0, 0)
	return int(n), errno
}

// Vectors returns the argument of a wait for several words.
func Vectors(words []*atomic.Uint32, values []uint32) *ops.FutexVectors {
	v := &ops.FutexVectors{Words: words, List: make([]ops.FutexVector, len(words))}
	for i, w := range words {
		v.List[i] = ops.FutexVector{
			Value:   uint64(values[i]),
			Address: uint64(uintptr(unsafe.Pointer(w))), // on the heap, where nothing moves
			Flags:   Size32,
		}
	}
	return v
}

// Low returns the half of w that holds its lower bits.
func Low(w *atomic.Uint64) *atomic.Uint32 {
	halves := (*[2]atomic.Uint32)(unsafe.Pointer(w))
	if bigEndian {
		return &halves[1]
	}
	return &halves[0]
}

var bigEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}()

// Word32 returns the word at the beginning of mem, or nil if mem is too short or
// does not begin at a multiple of four.
func Word32(mem []byte) *atomic.Uint32 {
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if len(mem) < 4 || uintptr(p)%4 != 0 {
		return nil
	}
	return (*atomic.Uint32)(p)
}

// Word64 is Word32 for a word of 64 bits.
func Word64(mem []byte) *atomic.Uint64 {
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if len(mem) < 8 || uintptr(p)%8 != 0 {
		return nil
	}
	return (*atomic.Uint64)(p)
}

// Address returns where w is, to tell words apart.
func Address(w *atomic.Uint32) uint64 { return uint64(uintptr(unsafe.Pointer(w))) }
