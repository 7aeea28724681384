package uring

import (
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// encodeSocket adds what operations on sockets have beyond the common fields:
// see socket(2), accept4(2), connect(2), shutdown(2), sendmsg(2) and recvmsg(2).
func encodeSocket(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodeAccept:
		encodeAccept(q, r)
	case ops.CodeConnect:
		addr, ok := r.Arg.(*ops.Sockaddr)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = pointer(unsafe.Pointer(&addr.Data))
		q.Off = uint64(addr.Len)
	case ops.CodeSocket:
		// The kernel wants the type where others have an offset, and with it the
		// close-on-exec and non-blocking bits; its flag word must be zero.
		q.Off = uint64(r.Flags)
		q.Len = r.Len
	case ops.CodeShutdown:
		q.Len = r.Len
	case ops.CodeSendmsg, ops.CodeRecvmsg:
		m, ok := r.Arg.(*ops.Msg)
		if !ok {
			q.Opcode = opNone
			return
		}
		var header *unix.Msghdr
		if r.Code == ops.CodeSendmsg {
			header = m.SendHeader()
		} else {
			header = m.RecvHeader()
		}
		q.Ioprio = pollFirst(r.Mode)
		q.Addr = pointer(unsafe.Pointer(header))
		q.Len = 1
		q.OpFlags = r.Flags
	}
}

func encodeAccept(q *SQE, r *ops.Request) {
	q.OpFlags = r.Flags
	if r.Mode&ops.Multishot != 0 {
		q.Ioprio |= AcceptMultishot
	}
	if r.Mode&ops.PollFirst != 0 {
		q.Ioprio |= AcceptPollFirst
	}
	if peer, ok := r.Arg.(*ops.Sockaddr); ok {
		peer.Reset()
		q.Addr = pointer(unsafe.Pointer(&peer.Data))
		q.Off = pointer(unsafe.Pointer(&peer.Len))
	}
}

// encodeBind gives a socket its address, or has it listen: see bind(2) and
// listen(2).
func encodeBind(q *SQE, r *ops.Request) {
	if r.Code == ops.CodeListen {
		q.Len = r.Len
		return
	}
	addr, ok := r.Arg.(*ops.Sockaddr)
	if !ok {
		q.Opcode = opNone
		return
	}
	q.Addr = pointer(unsafe.Pointer(&addr.Data))
	q.Off = uint64(addr.Len)
}

// encodeSendTo adds the address of a send: see sendto(2). Its length is the low
// half of a field that is otherwise the file index.
func encodeSendTo(q *SQE, r *ops.Request) {
	addr, ok := r.Arg.(*ops.Sockaddr)
	if !ok {
		q.Opcode = opNone
		return
	}
	q.Off = pointer(unsafe.Pointer(&addr.Data))
	q.FileIndex = addr.Len
	if cpu.IsBigEndian {
		q.FileIndex <<= 16
	}
}
