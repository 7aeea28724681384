package uring

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sluicego/sluice/ops"
)

// opNone is the opcode of an operation that has no native route. No kernel
// knows it: should such a request come here, it completes with EINVAL and does
// not vanish.
const opNone Op = 255

// linkFlags holds the SQEFlag bits of each ops.Link.
var linkFlags = [...]uint8{
	ops.Unlinked: 0,
	ops.Soft:     SQEFlagIOLink,
	ops.Hard:     SQEFlagIOHardLink,
}

// Encode writes r, which Validate has accepted, into q. It assigns all 64 bytes,
// so that nothing of q's former use remains (trap 9), and does not allocate.
//
// The addresses in q are those of what r.Buf and r.Arg refer to. The caller keeps
// these reachable until the terminal completion; being on the heap, they do not
// move. Accept and receive requests have their Sockaddr and message header
// prepared here, so a request must be encoded each time that it is submitted.
func Encode(q *SQE, r *ops.Request, userData uint64) {
	op, ok := Opcode(r.Code)
	if !ok {
		op = opNone
	}
	encodeCommon(q, r, op, userData)
	switch r.Code {
	case ops.CodeRead, ops.CodeWrite:
		q.Off = uint64(r.Offset)
		q.Addr = addrOf(r.Buf)
		q.Len = lenOf(r.Buf)
		q.OpFlags = r.Flags
	case ops.CodeSend, ops.CodeRecv:
		q.Ioprio = pollFirst(r.Mode)
		q.Addr = addrOf(r.Buf)
		q.Len = lenOf(r.Buf)
		q.OpFlags = r.Flags
		if r.Arg != nil && r.Code == ops.CodeSend {
			encodeSendTo(q, r)
		}
	case ops.CodePoll:
		q.Len = pollMulti(r.Mode)
		q.OpFlags = pollEvents(r.Flags)
	case ops.CodeNop:
		q.FD = -1
		q.Len = r.Len // with NopInjectResult in Flags: the result
		q.OpFlags = r.Flags
	default:
		encodeRest(q, r)
	}
	if special(r) {
		encodeSpecial(q, r)
	}
}

// encodeCommon assigns every field of q: what most operations share, and zero.
// A composite literal would say the same, but the compiler builds it aside and
// copies it, which takes three times as long.
func encodeCommon(q *SQE, r *ops.Request, op Op, userData uint64) {
	q.Opcode = op
	q.Flags = linkFlags[r.Link]
	q.Ioprio = 0
	q.FD = r.FD
	q.Off = 0
	q.Addr = 0
	q.Len = 0
	q.OpFlags = 0
	q.UserData = userData
	q.BufIndex = 0
	q.Personality = r.Personality
	q.FileIndex = 0
	q.Addr3 = 0
	q.Pad2 = 0
}

// encodeRest finds the part that knows r's operation.
func encodeRest(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodeTimer:
		encodeTimer(q, r)
	case ops.CodePollUpdate:
		q.FD = -1
		q.Addr = uint64(r.Offset)
		q.Len = PollUpdateEvents | pollMulti(r.Mode)
		q.OpFlags = pollEvents(r.Flags)
	case ops.CodeAccept, ops.CodeConnect, ops.CodeSocket, ops.CodeShutdown,
		ops.CodeSendmsg, ops.CodeRecvmsg:
		encodeSocket(q, r)
	case ops.CodeBind, ops.CodeListen:
		encodeBind(q, r)
	case ops.CodeUnlink, ops.CodeMkdir, ops.CodeRename, ops.CodeHardlink, ops.CodeSymlink,
		ops.CodeGetxattr, ops.CodeSetxattr, ops.CodeFgetxattr, ops.CodeFsetxattr:
		encodePath(q, r)
	case ops.CodeSyncFileRange, ops.CodeFadvise, ops.CodeMadvise:
		encodeAdvise(q, r)
	case ops.CodeSocketInq, ops.CodeSocketOutq, ops.CodeGetsockopt, ops.CodeSetsockopt, ops.CodeSocketName:
		encodeCommand(q, r)
	case ops.CodePipe, ops.CodeInstall, ops.CodeEpollCtl, ops.CodeEpollWait:
		encodeDescriptor(q, r)
	case ops.CodeFutexWait, ops.CodeFutexWake, ops.CodeFutexWaitv:
		encodeFutex(q, r)
	default:
		encodeFile(q, r)
	}
}

// encodeTimer starts a timer in the kernel. Only those inside a chain come here,
// with the Timespec that the ring gave them. That they run out is their success:
// the chain goes on (TimeoutEtimeSuccess).
func encodeTimer(q *SQE, r *ops.Request) {
	ts, ok := r.Arg.(*ops.Timespec)
	if !ok {
		q.Opcode = opNone
		return
	}
	q.FD = -1
	q.Addr = pointer(unsafe.Pointer(ts))
	q.Len = 1
	q.OpFlags = TimeoutEtimeSuccess
	switch r.TimerClock() {
	case ops.Boottime:
		q.OpFlags |= TimeoutBoottime
	case ops.Realtime:
		q.OpFlags |= TimeoutRealtime | TimeoutAbs
	}
}

func pointer(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }

func addrOf(b []byte) uint64 { return pointer(unsafe.Pointer(unsafe.SliceData(b))) }

func lenOf(b []byte) uint32 { return uint32(min(len(b), ops.MaxTransfer)) }

func pollFirst(m ops.Mode) uint16 {
	if m&ops.PollFirst != 0 {
		return RecvSendPollFirst
	}
	return 0
}

// pollMulti returns the Len of a poll. A level-triggered one is one-shot to the
// kernel, whose multishot polls are edge-triggered: the ring arms it again.
func pollMulti(m ops.Mode) uint32 {
	if m&(ops.Multishot|ops.Level) == ops.Multishot {
		return PollAddMulti
	}
	return 0
}

// pollEvents returns events as the kernel reads them: on big-endian machines
// with the two halves swapped, for compatibility with a field that was 16 bits.
func pollEvents(events uint32) uint32 {
	if cpu.IsBigEndian {
		return bits.RotateLeft32(events, 16)
	}
	return events
}
