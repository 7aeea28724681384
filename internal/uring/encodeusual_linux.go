package uring

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sluicego/sluice/ops"
)

// Usual says how the requests of a usual operation are encoded. Those are operations of
// which nothing but the first half of a Request counts: the data and, where there is one,
// the offset.
type Usual struct {
	start  [4]uint8 // Opcode, Flags and Ioprio
	known  bool
	data   bool   // there are a descriptor, data, and no use of Len
	offset uint64 // the bits of Offset that count
}

var usual = [256]Usual{
	ops.CodeNop:   {start: [4]uint8{uint8(OpNop)}, known: true},
	ops.CodeRead:  {start: [4]uint8{uint8(OpRead)}, known: true, data: true, offset: ^uint64(0)},
	ops.CodeWrite: {start: [4]uint8{uint8(OpWrite)}, known: true, data: true, offset: ^uint64(0)},
	ops.CodeSend:  {start: [4]uint8{uint8(OpSend)}, known: true, data: true},
	ops.CodeRecv:  {start: [4]uint8{uint8(OpRecv)}, known: true, data: true},
}

// IsUsual reports whether an operation is a usual one.
func IsUsual(c ops.Code) bool { return usual[c].known }

// UsualOf returns how the requests of a usual operation are encoded: by Begin and Finish.
func UsualOf(c ops.Code) *Usual { return &usual[c] }

// IsBare reports whether r has priority p, and nothing that operations do not have in
// common: no Link, no Mode, nothing in its second half. It looks at several fields at
// a time, and is short enough to be inlined.
func IsBare(r *ops.Request, p ops.Priority) bool {
	head, want := *(*uint32)(unsafe.Pointer(&r.Code)), uint32(uint8(p))
	if cpu.IsBigEndian {
		head, want = head&0xffffff, want<<16
	} else {
		head >>= 8
	}
	return head == want && *(*uintptr)(unsafe.Pointer(&r.Arg))|*(*uintptr)(unsafe.Pointer(&r.Keep)) == 0 &&
		r.Offset2|*(*int64)(unsafe.Pointer(&r.FD2))|int64(r.Timeout)|int64(r.Deadline) == 0
}

// half is the first half of a Request. A struct of that size is copied faster than its
// fields, and with one question to the garbage collector.
type half struct {
	head          [4]uint8
	fd            int32
	flags, length uint32
	offset        int64
	buf           []byte
	tag           any
}

// CopyBare copies what r says, which is bare, to a Request that is zero in its second half.
func CopyBare(to, r *ops.Request) { *(*half)(unsafe.Pointer(to)) = *(*half)(unsafe.Pointer(r)) }

// Encode is Encode for such a request, if it is bare, but for UserData. It leaves out an
// I/O priority, and that FD may be a direct descriptor: see EncodeTarget.
func (u *Usual) Encode(q *SQE, r *ops.Request) {
	*(*[4]uint8)(unsafe.Pointer(q)) = u.start
	*(*[3]uint64)(unsafe.Pointer(&q.BufIndex)) = [3]uint64{} // and all behind it
	q.OpFlags = r.Flags
	if !u.data {
		q.FD, q.Off, q.Addr, q.Len = -1, 0, 0, r.Len
		return
	}
	q.FD, q.Off, q.Addr, q.Len = r.FD, uint64(r.Offset)&u.offset, addrOf(r.Buf), lenOf(r.Buf)
}

// NamesDirect reports whether the descriptor of r, which is bare, is a direct one, which
// EncodeTarget then takes care of.
func NamesDirect(r *ops.Request) bool { return r.FD < -1<<30 }

// EncodeTarget changes q if its descriptor is a direct one.
//
//go:noinline
func EncodeTarget(q *SQE) { encodeTarget(q) }

// CompleteBare writes out what c says of r, which is bare, and clears what holds something
// reachable in r. The bytes of Link and Mode, which are zero, are those of More and Cause.
func CompleteBare(to *ops.Completion, r *ops.Request, c *CQE) {
	to.ID = ops.ID(c.UserData)
	*(*uint64)(unsafe.Pointer(&to.Code)) = *(*uint64)(unsafe.Pointer(&r.Code)) // up to Target
	*(*uint64)(unsafe.Pointer(&to.Res)) = *(*uint64)(unsafe.Pointer(&c.Res))   // and Flags
	to.Tag, to.Buf, to.Arg, r.Tag, r.Buf = r.Tag, r.Buf, nil, nil, nil
}
