package uring

import (
	"unsafe"

	"github.com/sluicego/sluice/ops"
)

// spliceInFixed is SPLICE_F_FD_IN_FIXED: the input of a splice or tee is a
// registered file.
const spliceInFixed = 1 << 31

// special reports whether Encode has more to say about r than its operation does.
// Numbers of direct descriptors are the only ones so low.
func special(r *ops.Request) bool { return r.FD < -1<<30 || r.Mode&ops.Managed != 0 }

// encodeSpecial adds to q what r says besides: that its descriptor is a direct one,
// and what resources it uses.
func encodeSpecial(q *SQE, r *ops.Request) {
	if q.FD == r.FD {
		encodeTarget(q)
	}
	switch {
	case r.Mode&ops.Select != 0:
		encodeSelect(q, r)
	case r.Mode&ops.Managed != 0:
		encodeManaged(q, r)
	}
}

// encodeTarget makes a direct descriptor of q.FD if it is the number of one.
func encodeTarget(q *SQE) {
	d := ops.DirectOf(int(q.FD))
	switch {
	case !d.Valid():
	case q.Opcode == OpClose:
		q.FD, q.FileIndex = 0, uint32(d.Index())+1
	default:
		q.FD = int32(d.Index())
		q.Flags |= SQEFlagFixedFile
	}
}

// encodeSelect has the kernel pick a buffer.
func encodeSelect(q *SQE, r *ops.Request) {
	q.Flags |= SQEFlagBufferSelect
	q.BufIndex = r.Index
	switch r.Code {
	case ops.CodeReadMulti:
		q.Off = uint64(r.Offset)
		return
	case ops.CodeRead:
		return
	case ops.CodeRecvmsg:
		shape, ok := r.Arg.(*ops.RecvShape)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Opcode = OpRecvmsg
		q.Addr = pointer(unsafe.Pointer(shape.Header()))
		q.Len = 1
		q.OpFlags = r.Flags
	}
	q.Ioprio = pollFirst(r.Mode)
	if r.Mode&ops.Multishot != 0 {
		q.Ioprio |= RecvMultishot
	}
	if r.Mode&ops.Bundle != 0 {
		q.Ioprio |= RecvSendBundle
	}
}

// encodeManaged adds what requests on resources of the ring have beyond the common
// fields: io_uring_prep_open_direct(3), io_uring_prep_files_update(3),
// io_uring_prep_read_fixed(3), io_uring_prep_send_zc(3) and their like.
func encodeManaged(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodeOpen, ops.CodeOpen2, ops.CodeSocket, ops.CodeAccept, ops.CodePipe:
		q.FileIndex = uint32(r.FD2) // FileIndexAlloc
	case ops.CodeRegister:
		slot, ok := r.Arg.(*ops.FileSlot)
		if !ok {
			q.Opcode = opNone
			return
		}
		slot.FDs[0] = r.FD
		q.FD = -1
		q.Addr = pointer(unsafe.Pointer(&slot.FDs))
		q.Len = 1
		q.Off = FileIndexAlloc
	case ops.CodeReadFixed, ops.CodeWriteFixed:
		q.Off = uint64(r.Offset)
		q.Addr = addrOf(r.Buf)
		q.Len = lenOf(r.Buf)
		q.BufIndex = r.Index
	case ops.CodeReadvFixed, ops.CodeWritevFixed:
		v, ok := r.Arg.(*ops.FixedVectors)
		if !ok {
			q.Opcode = opNone
			return
		}
		iov := v.Iovecs()
		q.Off = uint64(r.Offset)
		q.Addr = pointer(unsafe.Pointer(unsafe.SliceData(iov)))
		q.Len = uint32(len(iov))
		q.BufIndex = r.Index
	case ops.CodeSendZC, ops.CodeSendmsgZC:
		encodeZC(q, r)
	case ops.CodeSendDirect:
		q.Addr3 = uint64(q.FD) // its index: see encodeTarget
		q.FD = r.FD2
		q.Flags &^= SQEFlagFixedFile
		q.Addr = MsgSendFD
		q.FileIndex = FileIndexAlloc
		q.OpFlags = MsgRingCQESkip
		if r.Arg != nil { // an inbox
			q.Off, q.OpFlags = uint64(r.Offset), 0
		}
	case ops.CodeMessage:
		q.FD = r.FD2
		q.Addr = MsgData
		q.Off = uint64(r.Offset)
		q.Len = r.Len | MessageData
	}
}

// MessageData marks the result of a message that brings a number. Those of messages
// that bring descriptors are smaller.
const MessageData = 1 << 30

// PlainSend, as Len of a zero-copy send, has it copy after all.
const PlainSend = 1 << 31

// encodeZC encodes the zero-copy sends; r.Len holds their own flags.
func encodeZC(q *SQE, r *ops.Request) {
	q.Ioprio = pollFirst(r.Mode) | uint16(r.Len)
	q.OpFlags = r.Flags
	if r.Len&PlainSend != 0 {
		encodePlainSend(q, r)
		return
	}
	switch a := r.Arg.(type) {
	case *ops.Msg:
		q.Addr = pointer(unsafe.Pointer(a.SendHeader()))
		q.Len = 1
		return
	case *ops.FixedMemory:
		q.Ioprio |= RecvSendFixedBuf
		q.BufIndex = r.Index
	}
	q.Addr = addrOf(r.Buf)
	q.Len = lenOf(r.Buf)
}

func encodePlainSend(q *SQE, r *ops.Request) {
	if m, ok := r.Arg.(*ops.Msg); ok {
		q.Opcode, q.Addr, q.Len = OpSendmsg, pointer(unsafe.Pointer(m.SendHeader())), 1
		return
	}
	q.Opcode, q.Addr, q.Len = OpSend, addrOf(r.Buf), lenOf(r.Buf)
}

// EncodeReadFile writes the steps of a ReadFile request r: open into the place of
// the table of registered files, read from there if that has succeeded, and close
// whatever the read does (kernel 5.15). With nil for the last step the file stays in
// its place, from where the next one that is opened into it drives it out.
func EncodeReadFile(steps [3]*SQE, r *ops.Request, place uint32, userData [3]uint64) {
	p, ok := r.Arg.(*ops.FilePath)
	op := OpOpenat
	if !ok {
		op = opNone
	}
	*steps[0] = SQE{
		Opcode: op, Flags: SQEFlagIOLink, FD: r.FD, Addr: addrOf(p.Bytes()), OpFlags: r.Flags,
		FileIndex: place + 1, Personality: r.Personality, UserData: userData[0],
	}
	*steps[1] = SQE{
		Opcode: OpRead, Flags: SQEFlagFixedFile, FD: int32(place),
		Addr: addrOf(r.Buf), Len: lenOf(r.Buf), Personality: r.Personality, UserData: userData[1],
	}
	if steps[2] != nil {
		steps[1].Flags |= SQEFlagIOHardLink
		EncodeCloseDirect(steps[2], place, userData[2])
	}
}

// EncodeCloseDirect writes the closing of a registered file (kernel 5.15).
func EncodeCloseDirect(q *SQE, place uint32, userData uint64) {
	*q = SQE{Opcode: OpClose, FileIndex: place + 1, UserData: userData}
}
