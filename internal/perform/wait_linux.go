package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file has operations that wait for events and children: epoll_ctl(2),
// epoll_wait(2) and waitid(2).

func (c *Call) epollCtl() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_EPOLL_CTL, uintptr(c.FD), uintptr(q.Len), uintptr(q.Off), uintptr(q.Addr), 0, 0))
}

func (c *Call) tryEpollWait() (int32, Next) {
	if res := c.epollWait(0); res != 0 {
		return res, Done
	}
	return 0, WaitIn
}

func (c *Call) doEpollWait() int32 { return c.epollWait(-1) }

func (c *Call) epollWait(timeout int) int32 {
	return result(syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.Len),
		uintptr(timeout), 0, 0))
}

// tryWaitid asks whether a child has something to report. A pidfd can be polled
// for its end, and for nothing else.
func (c *Call) tryWaitid() (int32, Next) {
	var info [128]byte // a siginfo_t: its first word is zero if there was no child
	options := c.SQE.FileIndex
	res := c.waitid(unsafe.Pointer(&info), options|unix.WNOHANG)
	ended := *(*int32)(unsafe.Pointer(&info)) != 0
	switch {
	case res == 0 && !ended && options&unix.WNOHANG == 0:
		const states = unix.WEXITED | unix.WSTOPPED | unix.WCONTINUED
		if c.SQE.Len == unix.P_PIDFD && options&states == unix.WEXITED {
			return 0, WaitIn
		}
		return 0, Worker
	case res == 0 && c.SQE.Off != 0:
		*(*[128]byte)(pointer(&c.SQE.Off)) = info
	}
	return res, Done
}

func (c *Call) doWaitid() int32 {
	for {
		res := c.waitid(pointer(&c.SQE.Off), c.SQE.FileIndex)
		if res != eagain { // a pidfd with O_NONBLOCK
			return res
		}
		if res = poll(c.FD, WaitIn, -1); res != 1 {
			return res
		}
	}
}

func (c *Call) waitid(info unsafe.Pointer, options uint32) int32 {
	return result(syscall.Syscall6(unix.SYS_WAITID, uintptr(c.SQE.Len), uintptr(c.FD), uintptr(info), uintptr(options), 0, 0))
}
