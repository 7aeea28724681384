package portable

// workAccept has a worker accept from a listener without O_NONBLOCK, which has a
// connection. Only O_NONBLOCK makes a call that does not wait: whoever else shares the
// listener may take the connection first, and the flag, like SO_RCVTIMEO, is theirs as
// well. So the call is made where it may wait, and one at a time for a listener: were
// there as many as accepts are pending, one connection would have all but one of them
// block a worker. It reports whether q waits, for an event or for the worker.
func (e *Engine) workAccept(q *request, front bool) (waits bool) {
	fd := q.call.FD
	if fd < 0 {
		e.work(q) // for its error
		return false
	}
	reg := e.registration(fd)
	if reg.accepter != nil {
		return e.await(q, fd, inEvents, front)
	}
	// A number that becomes another file's is noticed for those who wait.
	if _, errno := e.enroll(reg, inEvents); errno == 0 {
		reg.accepter, q.gate = q, reg
	}
	e.work(q)
	return q.gate != nil
}

// pass lets go of the listener that q is the accepter of, if it is one: it is no more
// with a worker. What it returns is for admit.
func (q *request) pass() *registration {
	reg := q.gate
	q.gate = nil
	if reg == nil || reg.accepter != q {
		return nil // the number is another file's
	}
	reg.accepter = nil
	return reg
}

// admit has the next accept take its turn.
func (e *Engine) admit(reg *registration) {
	if reg != nil {
		e.retry(&reg.in)
	}
}
