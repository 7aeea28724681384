package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// encodeFile adds what operations on files have beyond the common fields: see
// openat(2), openat2(2), statx(2), readv(2), fsync(2), fallocate(2),
// ftruncate(2), splice(2) and tee(2). Close has nothing to add.
func encodeFile(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodeReadv, ops.CodeWritev:
		v, ok := r.Arg.(*ops.Vectors)
		if !ok {
			q.Opcode = opNone
			return
		}
		iov := v.Iovecs()
		q.Off = uint64(r.Offset)
		q.Addr = pointer(unsafe.Pointer(unsafe.SliceData(iov)))
		q.Len = uint32(len(iov))
		q.OpFlags = r.Flags
	case ops.CodeOpen:
		q.Addr = addrOf(r.Buf)
		q.Len = r.Len
		q.OpFlags = r.Flags
	case ops.CodeOpen2:
		how, ok := r.Arg.(*unix.OpenHow)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = addrOf(r.Buf)
		q.Off = pointer(unsafe.Pointer(how))
		q.Len = uint32(unsafe.Sizeof(*how))
	case ops.CodeStatx:
		st, ok := r.Arg.(*unix.Statx_t)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = addrOf(r.Buf)
		q.Off = pointer(unsafe.Pointer(st))
		q.Len = r.Len
		q.OpFlags = r.Flags
	case ops.CodeFsync:
		q.OpFlags = r.Flags
	case ops.CodeFallocate:
		q.Off = uint64(r.Offset)
		q.Addr = uint64(r.Offset2)
		q.Len = r.Len
	case ops.CodeFtruncate:
		q.Off = uint64(r.Offset)
	case ops.CodeSplice:
		q.Off = uint64(r.Offset)
		q.Addr = uint64(r.Offset2)
		fallthrough
	case ops.CodeTee:
		q.Len = min(r.Len, ops.MaxTransfer)
		q.OpFlags = r.Flags
		q.FileIndex = uint32(r.FD2)
		if d := ops.DirectOf(int(r.FD2)); d.Valid() {
			q.FileIndex = uint32(d.Index())
			q.OpFlags |= spliceInFixed
		}
	}
}
