package portable

import (
	"sync/atomic"
	"syscall"

	"github.com/sluicego/sluice/internal/uring"
)

const (
	linkFlags = uring.SQEFlagIOLink | uring.SQEFlagIOHardLink
	ecanceled = -int32(syscall.ECANCELED)
	einval    = -int32(syscall.EINVAL)
	ebadf     = -int32(syscall.EBADF)
)

// submit takes up to n entries out of the submission queue and starts them. Entries
// that are linked form a chain, which ends with the last entry at the latest
// (trap 21).
func (e *Engine) submit(n uint32) int {
	m := e.mem
	var first, last *request
	taken := uint32(0)
	// Others may take entries while one is a message, for which mu is released.
	for ; taken < n && m.SQHead != atomic.LoadUint32(&m.SQTail); taken++ {
		q := e.take(&m.SQEs[m.SQHead&uint32(len(m.SQEs)-1)])
		// From here on the entry may be written again.
		atomic.StoreUint32(&m.SQHead, m.SQHead+1)
		if first == nil {
			first = q
		} else {
			last.link = q
		}
		last = q
		if q.call.SQE.Flags&linkFlags == 0 {
			e.launch(first)
			first = nil
		}
	}
	if first != nil {
		e.launch(first)
	}
	return int(taken)
}

// launch starts a chain. Drains (IOSQE_IO_DRAIN) and silent successes
// (IOSQE_CQE_SKIP_SUCCESS) are not offered, since package ring does without: one of
// them ends the chain before it starts, as malformed entries do.
func (e *Engine) launch(first *request) {
	for q := first; q != nil; q = q.link {
		if q.call.SQE.Flags&(uring.SQEFlagIODrain|uring.SQEFlagCQESkipSuccess) != 0 {
			e.refuse(first, q)
			return
		}
	}
	e.resume(first)
	e.run()
}

// refuse ends a chain of which bad is malformed.
func (e *Engine) refuse(first, bad *request) {
	for q := first; q != nil; {
		next, res := q.link, ecanceled
		if q == bad {
			res = einval
		}
		e.post(q.call.SQE.UserData, res, 0)
		e.give(q)
		q = next
	}
}

// resume has q attempted by run.
func (e *Engine) resume(q *request) {
	q.state = trying
	e.running.push(q)
}

// run begins all that is to begin. Whoever takes mu and changes anything calls it at
// the end, and nobody else, so that nothing begins while a list is gone through.
func (e *Engine) run() {
	for q := e.running.pop(); q != nil; q = e.running.pop() {
		e.begin(q)
	}
}

// end makes the completion of q, and starts or ends what is linked to it.
func (e *Engine) end(q *request, res int32, flags uint32) {
	sqe := &q.call.SQE
	if q.group != nil {
		flags |= e.commit(q, 0) // it was taken for what did not come
	}
	e.post(sqe.UserData, res, flags)
	if q.marks&findable != 0 {
		e.table.remove(q)
	}
	e.drop(q)
	next := q.link
	broken := sqe.Flags&uring.SQEFlagIOHardLink == 0 && q.marks&unfailing == 0 && fails(q, res)
	e.give(q)
	switch {
	case next == nil:
	case broken:
		e.cut(next)
	default:
		e.resume(next)
	}
}

// cut ends the rest of a chain, from q on.
func (e *Engine) cut(q *request) {
	for q != nil {
		next := q.link
		e.post(q.call.SQE.UserData, ecanceled, 0)
		e.give(q)
		q = next
	}
}

// drop gives back what q holds.
func (e *Engine) drop(q *request) {
	if q.file != nil {
		e.files.release(e, q.file)
		q.file = nil
	}
	if q.fileIn != nil {
		e.files.release(e, q.fileIn)
		q.fileIn = nil
	}
}

// fails reports whether res breaks a soft chain (trap 20).
func fails(q *request, res int32) bool {
	sqe := &q.call.SQE
	switch sqe.Opcode {
	case uring.OpRead, uring.OpWrite, uring.OpReadFixed, uring.OpWriteFixed:
		want := sqe.Len
		if sqe.Flags&uring.SQEFlagBufferSelect != 0 && (want == 0 || want > q.call.BufLen) {
			want = q.call.BufLen
		}
		return uint32(res) != want
	case uring.OpReadv, uring.OpWritev, uring.OpReadvFixed, uring.OpWritevFixed:
		return res < 0 || uint64(res) != lengthOf(sqe.Addr, int(sqe.Len))
	case uring.OpSplice, uring.OpTee:
		return uint32(res) != sqe.Len
	case uring.OpSend, uring.OpRecv, uring.OpSendZC:
		return res < 0 || sqe.OpFlags&syscall.MSG_WAITALL != 0 && uint32(res) < sqe.Len
	case uring.OpSendmsg, uring.OpRecvmsg, uring.OpSendmsgZC:
		return res < 0 || sqe.OpFlags&syscall.MSG_WAITALL != 0 && sqe.Flags&uring.SQEFlagBufferSelect == 0 &&
			uint64(res) < lengthOfMessage(sqe.Addr)
	}
	return res < 0
}
