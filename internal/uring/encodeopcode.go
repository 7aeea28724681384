package uring

import "github.com/sluicego/sluice/ops"

// opcodes holds the opcode of each operation's native route. An operation that
// is missing has none, except CodeNop, whose opcode is 0.
var opcodes = [ops.Codes]Op{
	ops.CodeRead:       OpRead,
	ops.CodeWrite:      OpWrite,
	ops.CodeReadv:      OpReadv,
	ops.CodeWritev:     OpWritev,
	ops.CodeOpen:       OpOpenat,
	ops.CodeOpen2:      OpOpenat2,
	ops.CodeClose:      OpClose,
	ops.CodeStatx:      OpStatx,
	ops.CodeFsync:      OpFsync,
	ops.CodeFallocate:  OpFallocate,
	ops.CodeFtruncate:  OpFtruncate,
	ops.CodeAccept:     OpAccept,
	ops.CodeConnect:    OpConnect,
	ops.CodeSend:       OpSend,
	ops.CodeRecv:       OpRecv,
	ops.CodeSendmsg:    OpSendmsg,
	ops.CodeRecvmsg:    OpRecvmsg,
	ops.CodeShutdown:   OpShutdown,
	ops.CodeSocket:     OpSocket,
	ops.CodeSplice:     OpSplice,
	ops.CodeTee:        OpTee,
	ops.CodeTimer:      OpTimeout,
	ops.CodePoll:       OpPollAdd,
	ops.CodePollUpdate: OpPollRemove,
	ops.CodeFutexWait:  OpFutexWait,
	ops.CodeFutexWake:  OpFutexWake,
	ops.CodeFutexWaitv: OpFutexWaitv,
}

// Opcode returns the opcode that the native route of c uses, for probes, and
// whether there is one.
func Opcode(c ops.Code) (Op, bool) {
	if c == ops.CodeNop {
		return OpNop, true
	}
	if int(c) >= len(opcodes) || opcodes[c] == OpNop {
		return 0, false
	}
	return opcodes[c], true
}
