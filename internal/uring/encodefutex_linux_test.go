package uring

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/sluicego/sluice/ops"
)

// futexEncodings are those of liburing's io_uring_prep_futex_wait and its like.
func futexEncodings() []encoding {
	w := new(atomic.Uint32)
	const size32, mask = 2, 0xf0
	word := func(c ops.Code, v int64) ops.Request {
		return ops.Request{Code: c, FD: -1, Flags: size32, Arg: w, Offset: v, Offset2: mask}
	}
	v := &ops.FutexVectors{
		Words: []*atomic.Uint32{w, w},
		List:  []ops.FutexVector{{Value: 1, Address: at(w), Flags: size32}, {Value: 1, Address: at(w), Flags: size32}},
	}
	return []encoding{
		{"futex wait", word(ops.CodeFutexWait, 7), SQE{Opcode: 51, FD: size32, Addr: at(w), Off: 7, Addr3: mask}},
		{"futex wake", word(ops.CodeFutexWake, 1), SQE{Opcode: 52, FD: size32, Addr: at(w), Off: 1, Addr3: mask}},
		{"futex waitv", ops.Request{Code: ops.CodeFutexWaitv, FD: -1, Arg: v}, SQE{Opcode: 53, Addr: at(&v.List[0]), Len: 2}},
	}
}

func TestFutexVectorIsTheKernels(t *testing.T) {
	var v ops.FutexVector
	assert.EqualValues(t, 24, unsafe.Sizeof(v))
	assert.EqualValues(t, 8, unsafe.Offsetof(v.Address))
	assert.EqualValues(t, 16, unsafe.Offsetof(v.Flags))
}
