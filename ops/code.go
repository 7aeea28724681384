package ops

import "fmt"

// Code names an operation. It is sluice's own numbering: which io_uring opcode,
// system call or worker carries it out is the engine's business.
type Code uint8

// The operations. The zero Code is invalid, so that a zero Request is refused.
const (
	CodeInvalid Code = iota
	CodeNop
	CodeRead
	CodeWrite
	CodeReadv
	CodeWritev
	CodeOpen
	CodeOpen2
	CodeClose
	CodeStatx
	CodeFsync
	CodeFallocate
	CodeFtruncate
	CodeAccept
	CodeConnect
	CodeSend
	CodeRecv
	CodeSendmsg
	CodeRecvmsg
	CodeShutdown
	CodeSocket
	CodeSplice
	CodeTee
	CodeTimer
	CodePoll
	CodePollUpdate
	CodePost
	CodeCall
	CodeFlock
	CodeOFDLock
	CodeRecordLock
	CodeLockTest
	CodeMutex
	CodeEvent
	CodeFutexWait
	CodeFutexWake
	CodeFutexWaitv
	CodeSignal
	CodeChild
	CodeKill
	CodeClockSet
	CodeSyncFileRange
	CodeFadvise
	CodeMadvise
	CodeRename
	CodeUnlink
	CodeMkdir
	CodeSymlink
	CodeHardlink
	CodeGetxattr
	CodeSetxattr
	CodeFgetxattr
	CodeFsetxattr
	CodePipe
	CodeBind
	CodeListen
	CodeGetsockopt
	CodeSetsockopt
	CodeSocketInq
	CodeSocketOutq
	CodeSocketName
	CodeEpollCtl
	CodeEpollWait
	CodeInstall
	CodeRegister
	CodeReadFile
	CodeReadMulti
	CodeReadFixed
	CodeWriteFixed
	CodeReadvFixed
	CodeWritevFixed
	CodeSendZC
	CodeSendmsgZC
	CodeSendDirect
	CodeInbox
	CodeMessage
	codeEnd
)

// Codes is one more than the highest Code, for tables that it indexes.
const Codes = int(codeEnd)

var codeNames = [Codes]string{
	CodeInvalid:       "invalid",
	CodeNop:           "nop",
	CodeRead:          "read",
	CodeWrite:         "write",
	CodeReadv:         "readv",
	CodeWritev:        "writev",
	CodeOpen:          "openat",
	CodeOpen2:         "openat2",
	CodeClose:         "close",
	CodeStatx:         "statx",
	CodeFsync:         "fsync",
	CodeFallocate:     "fallocate",
	CodeFtruncate:     "ftruncate",
	CodeAccept:        "accept",
	CodeConnect:       "connect",
	CodeSend:          "send",
	CodeRecv:          "recv",
	CodeSendmsg:       "sendmsg",
	CodeRecvmsg:       "recvmsg",
	CodeShutdown:      "shutdown",
	CodeSocket:        "socket",
	CodeSplice:        "splice",
	CodeTee:           "tee",
	CodeTimer:         "timer",
	CodePoll:          "poll",
	CodePollUpdate:    "poll update",
	CodePost:          "post",
	CodeCall:          "call",
	CodeFlock:         "flock",
	CodeOFDLock:       "OFD lock",
	CodeRecordLock:    "record lock",
	CodeLockTest:      "lock test",
	CodeMutex:         "mutex lock",
	CodeEvent:         "event wait",
	CodeFutexWait:     "futex wait",
	CodeFutexWake:     "futex wake",
	CodeFutexWaitv:    "futex waitv",
	CodeSignal:        "signal watch",
	CodeChild:         "wait for child",
	CodeKill:          "send signal",
	CodeClockSet:      "clock watch",
	CodeSyncFileRange: "sync_file_range",
	CodeFadvise:       "fadvise",
	CodeMadvise:       "madvise",
	CodeRename:        "renameat2",
	CodeUnlink:        "unlinkat",
	CodeMkdir:         "mkdirat",
	CodeSymlink:       "symlinkat",
	CodeHardlink:      "linkat",
	CodeGetxattr:      "getxattr",
	CodeSetxattr:      "setxattr",
	CodeFgetxattr:     "fgetxattr",
	CodeFsetxattr:     "fsetxattr",
	CodePipe:          "pipe2",
	CodeBind:          "bind",
	CodeListen:        "listen",
	CodeGetsockopt:    "getsockopt",
	CodeSetsockopt:    "setsockopt",
	CodeSocketInq:     "SIOCINQ",
	CodeSocketOutq:    "SIOCOUTQ",
	CodeSocketName:    "getsockname",
	CodeEpollCtl:      "epoll_ctl",
	CodeEpollWait:     "epoll_wait",
	CodeInstall:       "install descriptor",
	CodeRegister:      "register descriptor",
	CodeReadFile:      "read file",
	CodeReadMulti:     "read multishot",
	CodeReadFixed:     "read fixed",
	CodeWriteFixed:    "write fixed",
	CodeReadvFixed:    "readv fixed",
	CodeWritevFixed:   "writev fixed",
	CodeSendZC:        "send zero-copy",
	CodeSendmsgZC:     "sendmsg zero-copy",
	CodeSendDirect:    "send descriptor",
	CodeInbox:         "inbox",
	CodeMessage:       "message",
}

// String returns the name of the system call that does the same.
func (c Code) String() string {
	if int(c) < Codes {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Valid reports whether c is one of the operations.
func (c Code) Valid() bool { return c > CodeInvalid && c < codeEnd }

// OpensDescriptor reports whether a successful result of c is a new descriptor,
// which belongs to whoever takes the completion.
func (c Code) OpensDescriptor() bool {
	switch c {
	case CodeOpen, CodeOpen2, CodeAccept, CodeSocket, CodeInstall:
		return true
	}
	return false
}

// hasPath reports whether Buf of a request with this code is a path.
func (c Code) hasPath() bool {
	switch c {
	case CodeOpen, CodeOpen2, CodeStatx, CodeRename, CodeUnlink, CodeMkdir, CodeSymlink, CodeHardlink:
		return true
	}
	return false
}
