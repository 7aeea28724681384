package portable

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// message posts to another Engine, or gives it a registered file
// (IORING_OP_MSG_RING). To lock two Engines at a time, and in no order, is avoided:
// the other one's lock is taken while the file is held, and not this one's.
func (e *Engine) message(q *request) {
	sqe := &q.call.SQE
	other, ok := engines.Load(int(sqe.FD))
	if !ok && int(sqe.FD) == e.epoll {
		other, ok = e, true
	}
	if !ok {
		e.end(q, sendToKernel(sqe), 0)
		return
	}
	to := other.(*Engine)
	switch {
	case sqe.Addr == uring.MsgData && to == e:
		e.post(sqe.Off, int32(sqe.Len), 0)
		e.end(q, 0, 0)
	case sqe.Addr == uring.MsgData:
		user, res := sqe.Off, int32(sqe.Len)
		e.apart(func() { to.accept(user, res) })
		e.end(q, 0, 0)
	case sqe.Addr != uring.MsgSendFD || to == e:
		e.end(q, einval, 0)
	default:
		e.sendFile(q, to)
	}
}

// sendToKernel posts to an io_uring ring, which takes Linux 6.13 and data.
func sendToKernel(sqe *uring.SQE) int32 {
	var errno syscall.Errno
	if sqe.Addr != uring.MsgData || errors.As(uring.SendMsgRing(sqe), &errno) {
		return -int32(syscall.EBADFD)
	}
	return 0
}

// apart runs f without mu. What it is called for is in no list meanwhile.
func (e *Engine) apart(f func()) {
	e.mu.Unlock()
	f()
	e.mu.Lock()
}

// sendFile gives to a duplicate of a registered file.
func (e *Engine) sendFile(q *request, to *Engine) {
	sqe := &q.call.SQE
	f := e.files.get(uint32(sqe.Addr3))
	if f == nil {
		e.end(q, ebadf, 0)
		return
	}
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	e.files.release(e, f)
	if err != nil {
		errno, _ := err.(syscall.Errno)
		e.end(q, -int32(errno), 0)
		return
	}
	e.forget(int32(fd))
	user, where, silent := sqe.Off, sqe.FileIndex, sqe.OpFlags&uring.MsgRingCQESkip != 0
	var res int32
	e.apart(func() { res = to.Adopt(fd, where) })
	if res >= 0 && !silent {
		e.apart(func() { to.accept(user, res) })
	}
	e.end(q, res, 0)
}

// accept posts a completion for another Engine.
func (e *Engine) accept(user uint64, res int32) {
	e.mu.Lock()
	defer e.unlockAndWake()
	if !e.closed {
		e.post(user, res, 0)
	}
}

// Adopt puts fd into the table of registered files, at where-1 or, with
// FileIndexAlloc, at a free place. It returns the index, or a negated errno, and fd is
// no more the caller's in either case.
func (e *Engine) Adopt(fd int, where uint32) int32 {
	e.mu.Lock()
	defer e.unlockAndWake() // those who wait in vain for what the number was end
	if e.closed {
		_ = unix.Close(fd) // it is nobody's
		return -int32(syscall.EBADFD)
	}
	e.forget(int32(fd))
	return e.files.put(e, int32(fd), where)
}
