package portable

import (
	"syscall"

	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/uring"
)

// begin starts q: what the Engine does itself, or a call.
func (e *Engine) begin(q *request) {
	sqe := &q.call.SQE
	if sqe.Flags&uring.SQEFlagFixedFile != 0 && !usesFile[sqe.Opcode] {
		e.end(q, einval, 0)
		return
	}
	if q.marks&findable == 0 && e.own(q) {
		return
	}
	if q.marks&findable == 0 { // the first time
		if res := e.resolve(q); res != 0 {
			e.end(q, res, 0)
			return
		}
		if sqe.Flags&uring.SQEFlagAsync != 0 || q.creds != nil {
			e.work(q)
			return
		}
		if events := pollsFirst(sqe); events != 0 && pollNow(q.call.FD, events) == 0 {
			e.await(q, q.call.FD, events, false)
			return
		}
	}
	e.attempt(q, false)
}

// own carries out what is not a call, and reports false for all else.
func (e *Engine) own(q *request) bool {
	switch q.call.SQE.Opcode {
	case uring.OpNop:
		e.nop(q)
	case uring.OpPollAdd:
		e.pollAdd(q)
	case uring.OpPollRemove:
		e.pollRemove(q)
	case uring.OpTimeout:
		e.timeout(q)
	case uring.OpAsyncCancel:
		e.asyncCancel(q)
	case uring.OpMsgRing:
		e.message(q)
	case uring.OpFilesUpdate:
		e.filesUpdate(q)
	case uring.OpFixedFDInstall:
		e.install(q)
	case uring.OpClose:
		return e.close(q)
	default:
		return false
	}
	return true
}

func (e *Engine) nop(q *request) {
	res := int32(0)
	if q.call.SQE.OpFlags&uring.NopInjectResult != 0 {
		res = int32(q.call.SQE.Len)
	}
	e.end(q, res, 0)
}

// resolve finds the files, buffers and credentials that q names, and gives what
// makes a descriptor for the table what it takes. It returns 0 or a negated errno.
func (e *Engine) resolve(q *request) int32 {
	sqe := &q.call.SQE
	q.call.FD = sqe.FD
	if sqe.Flags&uring.SQEFlagFixedFile != 0 {
		if q.file = e.files.get(uint32(sqe.FD)); q.file == nil {
			return ebadf
		}
		q.call.FD, q.call.Hint = q.file.fd, q.file.hint
	}
	if sqe.Opcode == uring.OpSplice || sqe.Opcode == uring.OpTee {
		q.call.FDIn = int32(sqe.FileIndex)
		if sqe.OpFlags&uring.SpliceFDInFixed != 0 {
			if q.fileIn = e.files.get(sqe.FileIndex); q.fileIn == nil {
				return ebadf
			}
			q.call.FDIn, q.call.HintIn = q.fileIn.fd, q.fileIn.hint
			sqe.OpFlags &^= uring.SpliceFDInFixed
		}
	}
	if sqe.Personality != 0 {
		if q.creds = e.creds[sqe.Personality]; q.creds == nil {
			return einval
		}
	}
	if res := e.checkBuffer(sqe); res != 0 {
		return res
	}
	switch sqe.Opcode {
	case uring.OpAccept:
		q.setMulti(sqe.Ioprio&uring.AcceptMultishot != 0)
	case uring.OpRecv, uring.OpRecvmsg:
		q.setMulti(sqe.Ioprio&uring.RecvMultishot != 0)
	case uring.OpReadMultishot:
		q.setMulti(true)
		if !isOpen(q.call.FD) {
			return ebadf
		}
		if _, errno := e.enroll(e.registration(q.call.FD), inEvents); errno == syscall.EPERM {
			return -int32(syscall.EBADFD) // there is no waiting for this file
		}
	}
	if makesFile[sqe.Opcode] && sqe.FileIndex != 0 {
		return checkDirect(q)
	}
	return 0
}

// pollsFirst returns what q wants to wait for ahead of the first attempt, which need
// not be an edge, and 0 if it does not. Then, perform is not to know.
func pollsFirst(sqe *uring.SQE) uint32 {
	bit, events := uint16(uring.RecvSendPollFirst), uint32(inEvents)
	switch sqe.Opcode {
	case uring.OpAccept:
		bit = uring.AcceptPollFirst
	case uring.OpRecv, uring.OpRecvmsg:
	case uring.OpSend, uring.OpSendmsg, uring.OpSendZC, uring.OpSendmsgZC:
		events = outEvents
	default:
		return 0
	}
	if sqe.Ioprio&bit == 0 {
		return 0
	}
	sqe.Ioprio &^= bit
	return events
}

func (q *request) setMulti(on bool) {
	if on {
		q.marks |= multi
	}
}

// burst is how many completions a multishot request makes before others have a turn.
const burst = 64

// attempt tries q, which has begun, and does what it needs then. It reports whether q
// waits for its descriptor again; front puts it ahead of others that do.
func (e *Engine) attempt(q *request, front bool) (waits bool) {
	for shots := 0; ; shots++ {
		if q.call.SQE.Flags&uring.SQEFlagBufferSelect != 0 && q.group == nil && !e.pick(q) {
			e.end(q, -int32(syscall.ENOBUFS), 0)
			return false
		}
		if shots == burst {
			return e.awaitAgain(q, front)
		}
		// O_NONBLOCK may have been taken away since, as os.File.Fd does: a call that
		// relied on it would block the Engine.
		q.call.Hint &^= perform.NonBlocking
		q.call.HintIn &^= perform.NonBlocking
		res, next := q.call.Try()
		if q.file != nil {
			q.file.hint = q.call.Hint
		}
		switch next {
		case perform.Done:
			if e.finish(q, res) {
				continue
			}
			return false
		case perform.WaitIn:
			if q.call.Partial() > 0 && q.call.SQE.Flags&uring.SQEFlagBufferSelect != 0 && q.group == nil {
				e.reserve(q) // what came is in there (MSG_WAITALL)
			}
			return e.await(q, q.call.FD, inEvents, front)
		case perform.WaitOut:
			return e.await(q, q.call.FD, outEvents, front)
		case perform.WaitInput:
			return e.await(q, q.call.FDIn, inEvents, front)
		case perform.Worker:
			if q.call.SQE.Opcode == uring.OpAccept {
				return e.workAccept(q, front)
			}
			e.work(q)
			return false
		}
		e.end(q, einval, 0)
		return false
	}
}

// finish takes the result of a call. It reports whether q is to be attempted once
// more, for its next shot.
func (e *Engine) finish(q *request, res int32) (again bool) {
	sqe := &q.call.SQE
	if q.marks&canceled != 0 && res == -int32(syscall.EINTR) {
		res = ecanceled
		if n := q.call.Partial(); n > 0 {
			res = n
		}
	}
	if res >= 0 && makesFile[sqe.Opcode] {
		res = e.keep(q, res)
	}
	flags := uint32(0)
	if sqe.Flags&uring.SQEFlagBufferSelect != 0 {
		flags = e.commit(q, res)
	}
	switch sqe.Opcode {
	case uring.OpSendZC, uring.OpSendmsgZC:
		e.endZC(q, res)
		return false
	}
	if q.marks&multi == 0 || q.call.Last(res) || !e.room() || len(e.backlog) != 0 {
		// A multishot request ends when there is no room for completions (trap 13).
		e.end(q, res, flags)
		return false
	}
	e.post(sqe.UserData, res, flags|uring.CQEFlagMore)
	q.call = perform.Call{SQE: *sqe, FD: q.call.FD, Hint: q.call.Hint}
	if sqe.Opcode == uring.OpAccept {
		q.call.SQE.Ioprio &^= uring.AcceptPollFirst
	} else {
		q.call.SQE.Ioprio &^= uring.RecvSendPollFirst
	}
	return true
}

// endZC makes the completions of a zero-copy send: of the transfer, and of the
// buffer, which is free at once since it was copied (trap 22).
func (e *Engine) endZC(q *request, res int32) {
	user, usage := q.call.SQE.UserData, int32(0)
	if q.call.SQE.Ioprio&uring.SendZCReportUsage != 0 {
		usage = -1 << 31 // NotifUsageZCCopied
	}
	if res < 0 {
		e.end(q, res, 0)
		return
	}
	e.end(q, res, uring.CQEFlagMore)
	e.post(user, usage, uring.CQEFlagNotif)
}
