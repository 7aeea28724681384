package uring

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sluicego/sluice/ops"
)

// Usual says how the requests of a usual operation are encoded. Those are operations of
// which nothing but the first half of a Request counts, and all of that: the data and,
// where there is one, the offset. A nop has neither.
type Usual struct {
	start  [4]uint8 // Opcode, Flags and Ioprio
	fd     int32    // added to FD
	data   uint32   // the bits of the data's length that count, and none of Len
	known  bool
	addr   uint64 // those of its address
	offset uint64 // those of Offset
}

var usual = [256]Usual{
	ops.CodeNop:   {start: [4]uint8{uint8(OpNop)}, known: true, fd: -1},
	ops.CodeRead:  withData(OpRead, ^uint64(0)),
	ops.CodeWrite: withData(OpWrite, ^uint64(0)),
	ops.CodeSend:  withData(OpSend, 0),
	ops.CodeRecv:  withData(OpRecv, 0),
}

func withData(op Op, offset uint64) Usual {
	return Usual{start: [4]uint8{uint8(op)}, known: true, data: ^uint32(0), addr: ^uint64(0), offset: offset}
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
	q.FD, q.Off = r.FD|u.fd, uint64(r.Offset)&u.offset
	q.Addr, q.OpFlags = addrOf(r.Buf)&u.addr, r.Flags
	q.Len = lenOf(r.Buf)&u.data | r.Len&^u.data
	*(*[3]uint64)(unsafe.Pointer(&q.BufIndex)) = [3]uint64{} // and all behind it
}

// NamesDirect reports whether the descriptor of r, which is bare, is a direct one, which
// EncodeTarget then takes care of.
func NamesDirect(r *ops.Request) bool { return r.FD < -1<<30 }

// EncodeTarget changes q if its descriptor is a direct one.
func EncodeTarget(q *SQE) { encodeTarget(q) }

// CompleteBare writes out what c says of r, which is bare, and clears what holds something
// reachable in r. The bytes of Link and Mode, which are zero, are those of More and Cause.
func CompleteBare(to *ops.Completion, r *ops.Request, c *CQE) {
	to.ID = ops.ID(c.UserData)
	*(*uint64)(unsafe.Pointer(&to.Code)) = *(*uint64)(unsafe.Pointer(&r.Code)) // up to Target
	*(*uint64)(unsafe.Pointer(&to.Res)) = *(*uint64)(unsafe.Pointer(&c.Res))   // and Flags
	to.Tag, to.Buf, to.Arg, r.Tag, r.Buf = r.Tag, r.Buf, nil, nil, nil
}
