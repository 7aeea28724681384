package portable

import (
	"math/bits"
	"syscall"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// pollEvents returns the events of a poll as its entry has them.
func pollEvents(sqe *uring.SQE) uint32 {
	if cpu.IsBigEndian {
		return bits.RotateLeft32(sqe.OpFlags, 16)
	}
	return sqe.OpFlags
}

// pollNow returns which of events fd reports. It does not wait.
func pollNow(fd int32, events uint32) uint32 {
	p := [1]unix.PollFd{{Fd: fd, Events: int16(events & pollable)}}
	var none unix.Timespec
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	if errno != 0 || n == 0 {
		return 0
	}
	return uint32(uint16(p[0].Revents))
}

// isOpen reports whether there is a file of that number. One without is not to be
// registered: the table of registrations has a place for each below it.
func isOpen(fd int32) bool { return fd >= 0 && pollNow(fd, 0)&unix.POLLNVAL == 0 }

// pollAdd starts a poll (IORING_OP_POLL_ADD).
func (e *Engine) pollAdd(q *request) {
	if res := e.resolve(q); res != 0 {
		e.end(q, res, 0)
		return
	}
	q.setMulti(q.call.SQE.Len&uring.PollAddMulti != 0)
	e.poll(q)
}

// poll answers a poll whose events are there, and else, or if it is multishot, has it
// wait.
func (e *Engine) poll(q *request) {
	fd := q.call.FD
	q.events = pollEvents(&q.call.SQE) & pollable
	now := pollNow(fd, q.events)
	if fd < 0 || now&unix.POLLNVAL != 0 {
		e.end(q, ebadf, 0)
		return
	}
	if now != 0 && q.marks&multi == 0 {
		e.end(q, int32(now), 0)
		return
	}
	reg := e.registration(fd)
	fresh, errno := e.enroll(reg, q.events|ends)
	if errno != 0 && errno != syscall.EPERM {
		e.end(q, -int32(errno), 0)
		return
	}
	// EPERM: a file that is always ready, and never for what was asked.
	e.join(q, reg, &reg.others, fresh || errno != 0, false)
	q.state = polling
	if now != 0 && !fresh {
		e.polled(q, now)
	}
}

// polled looks whether a poll that waits is answered by what is ready.
func (e *Engine) polled(q *request, now uint32) {
	res := now & (q.events | ends)
	if res == 0 {
		return
	}
	if q.marks&multi != 0 && e.room() && len(e.backlog) == 0 {
		e.post(q.call.SQE.UserData, int32(res), uring.CQEFlagMore)
		return
	}
	e.leave(q)
	e.end(q, int32(res), 0)
}

// pollRemove ends a poll, or changes its events (IORING_OP_POLL_REMOVE).
func (e *Engine) pollRemove(q *request) {
	sqe := &q.call.SQE
	target := e.table.find(sqe.Addr, func(t *request) bool { return t.state == polling })
	if target == nil {
		e.end(q, -int32(syscall.ENOENT), 0)
		return
	}
	e.leave(target)
	if sqe.Len&uring.PollUpdateEvents == 0 {
		e.end(target, ecanceled, 0)
		e.end(q, 0, 0)
		return
	}
	target.call.SQE.OpFlags = sqe.OpFlags
	target.marks &^= multi
	target.setMulti(sqe.Len&uring.PollAddMulti != 0)
	e.poll(target)
	e.end(q, 0, 0)
}
