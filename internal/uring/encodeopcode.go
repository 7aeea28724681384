package uring

import "github.com/sluicego/sluice/ops"

// opcodes holds the opcode of each operation's native route. An operation that
// is missing has none, except CodeNop, whose opcode is 0.
var opcodes = [ops.Codes]Op{
	ops.CodeRead:          OpRead,
	ops.CodeWrite:         OpWrite,
	ops.CodeReadv:         OpReadv,
	ops.CodeWritev:        OpWritev,
	ops.CodeOpen:          OpOpenat,
	ops.CodeOpen2:         OpOpenat2,
	ops.CodeClose:         OpClose,
	ops.CodeStatx:         OpStatx,
	ops.CodeFsync:         OpFsync,
	ops.CodeFallocate:     OpFallocate,
	ops.CodeFtruncate:     OpFtruncate,
	ops.CodeAccept:        OpAccept,
	ops.CodeConnect:       OpConnect,
	ops.CodeSend:          OpSend,
	ops.CodeRecv:          OpRecv,
	ops.CodeSendmsg:       OpSendmsg,
	ops.CodeRecvmsg:       OpRecvmsg,
	ops.CodeShutdown:      OpShutdown,
	ops.CodeSocket:        OpSocket,
	ops.CodeSplice:        OpSplice,
	ops.CodeTee:           OpTee,
	ops.CodeTimer:         OpTimeout,
	ops.CodePoll:          OpPollAdd,
	ops.CodePollUpdate:    OpPollRemove,
	ops.CodeFutexWait:     OpFutexWait,
	ops.CodeFutexWake:     OpFutexWake,
	ops.CodeFutexWaitv:    OpFutexWaitv,
	ops.CodeSyncFileRange: OpSyncFileRange,
	ops.CodeFadvise:       OpFadvise,
	ops.CodeMadvise:       OpMadvise,
	ops.CodeRename:        OpRenameat,
	ops.CodeUnlink:        OpUnlinkat,
	ops.CodeMkdir:         OpMkdirat,
	ops.CodeSymlink:       OpSymlinkat,
	ops.CodeHardlink:      OpLinkat,
	ops.CodeGetxattr:      OpGetxattr,
	ops.CodeSetxattr:      OpSetxattr,
	ops.CodeFgetxattr:     OpFgetxattr,
	ops.CodeFsetxattr:     OpFsetxattr,
	ops.CodePipe:          OpPipe,
	ops.CodeBind:          OpBind,
	ops.CodeListen:        OpListen,
	ops.CodeGetsockopt:    OpUringCmd,
	ops.CodeSetsockopt:    OpUringCmd,
	ops.CodeSocketInq:     OpUringCmd,
	ops.CodeSocketOutq:    OpUringCmd,
	ops.CodeSocketName:    OpUringCmd,
	ops.CodeEpollCtl:      OpEpollCtl,
	ops.CodeEpollWait:     OpEpollWait,
	ops.CodeInstall:       OpFixedFDInstall,
	ops.CodeRegister:      OpFilesUpdate,
	ops.CodeReadFile:      OpOpenat,
	ops.CodeReadMulti:     OpReadMultishot,
	ops.CodeReadFixed:     OpReadFixed,
	ops.CodeWriteFixed:    OpWriteFixed,
	ops.CodeReadvFixed:    OpReadvFixed,
	ops.CodeWritevFixed:   OpWritevFixed,
	ops.CodeSendZC:        OpSendZC,
	ops.CodeSendmsgZC:     OpSendmsgZC,
	ops.CodeSendDirect:    OpMsgRing,
	ops.CodeMessage:       OpMsgRing,
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

// commandSince holds the releases that brought operations whose opcode is older:
// those of URING_CMD, and those that need the kernel to pick a direct descriptor.
var commandSince = map[ops.Code]string{
	ops.CodeSocketInq:  "6.7",
	ops.CodeSocketOutq: "6.7",
	ops.CodeGetsockopt: "6.7",
	ops.CodeSetsockopt: "6.7",
	ops.CodeSocketName: "6.19",
	ops.CodeRegister:   "5.19",
	ops.CodeSendDirect: "6.0",
	ops.CodeReadFile:   "6.0",
}

// Since returns the Linux release in which the native route of c appeared, such
// as "5.6", and "" where there is none. It is for messages, as OpSince is.
func Since(c ops.Code) string {
	if since, ok := commandSince[c]; ok {
		return since
	}
	op, ok := Opcode(c)
	if !ok {
		return ""
	}
	return OpSince(op)
}
