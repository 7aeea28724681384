package uring

import (
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// socketCommands holds what the operations of the opcode URING_CMD ask a socket.
var socketCommands = [ops.Codes]uint32{
	ops.CodeSocketInq:  SocketOpSiocinq,
	ops.CodeSocketOutq: SocketOpSiocoutq,
	ops.CodeGetsockopt: SocketOpGetsockopt,
	ops.CodeSetsockopt: SocketOpSetsockopt,
	ops.CodeSocketName: SocketOpGetsockname,
}

// encodeCommand adds what commands to sockets have beyond the common fields: see
// getsockopt(2), getsockname(2) and io_uring_prep_cmd_sock(3).
func encodeCommand(q *SQE, r *ops.Request) {
	q.Off = halves(socketCommands[r.Code], 0)
	switch r.Code {
	case ops.CodeGetsockopt, ops.CodeSetsockopt:
		q.Addr = halves(r.Len, r.Flags) // level and name
		q.FileIndex = lenOf(r.Buf)
		q.Addr3 = addrOf(r.Buf)
	case ops.CodeSocketName:
		addr, ok := r.Arg.(*ops.Sockaddr)
		if !ok {
			q.Opcode = opNone
			return
		}
		addr.Reset()
		q.Addr = pointer(unsafe.Pointer(&addr.Data))
		q.Addr3 = pointer(unsafe.Pointer(&addr.Len))
		q.FileIndex = r.Flags // 1: of the peer
	}
}

// halves returns the word whose first four bytes in memory are a, and whose last
// are b.
func halves(a, b uint32) uint64 {
	if cpu.IsBigEndian {
		a, b = b, a
	}
	return uint64(b)<<32 | uint64(a)
}

// encodeDescriptor adds what operations that make or watch descriptors have
// beyond the common fields: see pipe2(2), epoll_ctl(2), epoll_wait(2) and
// io_uring_prep_fixed_fd_install(3).
func encodeDescriptor(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodePipe:
		ends, ok := r.Arg.(*ops.PipeEnds)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.FD = 0
		q.Addr = pointer(unsafe.Pointer(&ends.FDs))
		q.OpFlags = r.Flags
	case ops.CodeInstall:
		if r.Flags&unix.O_CLOEXEC == 0 {
			q.OpFlags = FixedFDNoCloExec
		}
	case ops.CodeEpollCtl:
		if event, ok := r.Arg.(*unix.EpollEvent); ok {
			q.Addr = pointer(unsafe.Pointer(event))
		}
		q.Off = uint64(r.FD2)
		q.Len = r.Len
	case ops.CodeEpollWait:
		events, ok := r.Arg.(*ops.EpollEvents)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = pointer(unsafe.Pointer(unsafe.SliceData(events.List)))
		q.Len = uint32(len(events.List))
	}
}
