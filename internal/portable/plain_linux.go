package portable

import (
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// plain reports whether q, if it finds its descriptor not ready, tells the same of
// all others that wait for it in the same direction.
func plain(q *request) bool {
	const apart = unix.MSG_OOB | unix.MSG_ERRQUEUE
	switch q.call.SQE.Opcode {
	case uring.OpRecv, uring.OpRecvmsg:
		return q.call.SQE.OpFlags&apart == 0
	case uring.OpRead, uring.OpReadv, uring.OpReadFixed, uring.OpReadvFixed, uring.OpReadMultishot,
		uring.OpWrite, uring.OpWritev, uring.OpWriteFixed, uring.OpWritevFixed,
		uring.OpSend, uring.OpSendmsg, uring.OpSendZC, uring.OpSendmsgZC,
		uring.OpAccept, uring.OpConnect, uring.OpEpollWait:
		return true
	}
	return false
}
