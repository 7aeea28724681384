package portable

import "github.com/sluicego/sluice/internal/uring"

// usesFile lists the operations whose descriptor is a file, and no directory of a
// path and nothing else.
var usesFile = [256]bool{
	uring.OpRead: true, uring.OpReadv: true, uring.OpReadFixed: true, uring.OpReadvFixed: true, uring.OpReadMultishot: true,
	uring.OpWrite: true, uring.OpWritev: true, uring.OpWriteFixed: true, uring.OpWritevFixed: true,
	uring.OpSend: true, uring.OpRecv: true, uring.OpSendmsg: true, uring.OpRecvmsg: true,
	uring.OpSendZC: true, uring.OpSendmsgZC: true,
	uring.OpAccept: true, uring.OpConnect: true, uring.OpShutdown: true, uring.OpBind: true, uring.OpListen: true,
	uring.OpUringCmd: true, uring.OpSplice: true, uring.OpTee: true, uring.OpFsync: true, uring.OpFallocate: true,
	uring.OpFtruncate: true, uring.OpSyncFileRange: true, uring.OpFadvise: true,
	uring.OpFgetxattr: true, uring.OpFsetxattr: true, uring.OpEpollWait: true, uring.OpPollAdd: true,
	uring.OpFixedFDInstall: true,
}

// makesFile lists the operations that open a file, which can go into the table.
var makesFile = [256]bool{
	uring.OpOpenat: true, uring.OpOpenat2: true, uring.OpSocket: true, uring.OpAccept: true, uring.OpPipe: true,
}

// offered lists the operations that the Engine has, for probes. Those on futexes are
// not among them: package ring has something better.
var offered = []uring.Op{
	uring.OpNop, uring.OpPollAdd, uring.OpPollRemove, uring.OpTimeout, uring.OpAsyncCancel, uring.OpMsgRing,
	uring.OpFilesUpdate, uring.OpFixedFDInstall, uring.OpClose,
	uring.OpRead, uring.OpReadv, uring.OpReadFixed, uring.OpReadvFixed, uring.OpReadMultishot,
	uring.OpWrite, uring.OpWritev, uring.OpWriteFixed, uring.OpWritevFixed,
	uring.OpSend, uring.OpRecv, uring.OpSendmsg, uring.OpRecvmsg, uring.OpSendZC, uring.OpSendmsgZC,
	uring.OpAccept, uring.OpConnect, uring.OpShutdown, uring.OpSocket, uring.OpBind, uring.OpListen,
	uring.OpUringCmd, uring.OpSplice, uring.OpTee, uring.OpFsync, uring.OpFallocate, uring.OpFtruncate,
	uring.OpSyncFileRange, uring.OpFadvise, uring.OpMadvise,
	uring.OpOpenat, uring.OpOpenat2, uring.OpStatx, uring.OpPipe,
	uring.OpRenameat, uring.OpUnlinkat, uring.OpMkdirat, uring.OpSymlinkat, uring.OpLinkat,
	uring.OpGetxattr, uring.OpSetxattr, uring.OpFgetxattr, uring.OpFsetxattr,
	uring.OpEpollCtl, uring.OpEpollWait,
}
