package uring

import (
	"sync/atomic"
	"unsafe"

	"github.com/sluicego/sluice/ops"
)

// encodeFutex adds what futex operations have beyond the common fields: see
// io_uring_prep_futex_wait(3), io_uring_prep_futex_wake(3) and
// io_uring_prep_futex_waitv(3). The futex2 flags stand where others have a
// descriptor, and the word of flags must be zero.
func encodeFutex(q *SQE, r *ops.Request) {
	if r.Code == ops.CodeFutexWaitv {
		v, ok := r.Arg.(*ops.FutexVectors)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.FD = 0
		q.Addr = pointer(unsafe.Pointer(unsafe.SliceData(v.List)))
		q.Len = uint32(len(v.List))
		return
	}
	w, ok := r.Arg.(*atomic.Uint32)
	if !ok {
		q.Opcode = opNone
		return
	}
	q.FD = int32(r.Flags)
	q.Addr = pointer(unsafe.Pointer(w))
	q.Off = uint64(r.Offset)
	q.Addr3 = uint64(r.Offset2)
}
