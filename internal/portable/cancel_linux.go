package portable

import "syscall"

const enoent = -int32(syscall.ENOENT)

// asyncCancel ends the request with the user data in Addr early
// (IORING_OP_ASYNC_CANCEL). To choose by descriptor is not offered: package ring
// does that itself.
func (e *Engine) asyncCancel(q *request) {
	sqe := &q.call.SQE
	if sqe.OpFlags != 0 {
		e.end(q, einval, 0)
		return
	}
	res := enoent
	if target := e.table.find(sqe.Addr, nil); target != nil {
		res = e.cancel(target)
	}
	e.end(q, res, 0)
}

// cancel ends q, or, if a worker is at it, interrupts that. It returns the result of
// the cancel: 0, or -EALREADY.
func (e *Engine) cancel(q *request) int32 {
	switch q.state {
	case waiting, polling:
		e.leave(q)
	case timing:
		e.disarm(q)
	case working:
		if !e.crew.remove(q) {
			q.marks |= canceled
			q.worker.call.Interrupt()
			return -int32(syscall.EALREADY)
		}
		e.unbusy(q)
		defer e.admit(q.pass())
	default:
		return enoent
	}
	q.marks &^= unfailing
	res := ecanceled
	if n := q.call.Partial(); n > 0 {
		res = n
	}
	e.end(q, res, 0)
	return 0
}

// endAll ends everything without a completion: the Ring is closed.
func (e *Engine) endAll() {
	for q := range e.table.all {
		if q.state == working {
			if !e.crew.remove(q) {
				q.marks |= canceled
				q.worker.call.Interrupt()
			}
		}
	}
	e.running = list{}
	e.crew.dismiss()
}
