package perform

import (
	"golang.org/x/sys/unix"
)

// learnKind finds out whether FD is a regular file, or may be waited for, unless
// that is known.
func (c *Call) learnKind() {
	if c.Hint&(Pollable|Regular) != 0 {
		return
	}
	var st unix.Stat_t
	if unix.Fstat(int(c.FD), &st) != nil {
		return
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFDIR:
		c.Hint |= Regular
	case unix.S_IFIFO, unix.S_IFSOCK:
		c.Hint |= Pollable
	}
}

// learnBlocking finds out whether FD has O_NONBLOCK, unless that is known.
func (c *Call) learnBlocking() {
	if c.Hint&(NonBlocking|Blocking) != 0 {
		return
	}
	flags, err := unix.FcntlInt(uintptr(c.FD), unix.F_GETFL, 0)
	switch {
	case err != nil:
	case flags&unix.O_NONBLOCK != 0:
		c.Hint |= NonBlocking
	default:
		c.Hint |= Blocking
	}
}

// ready reports whether fd is ready for a wait, or has an error or hangup to report.
func ready(fd int32, wait Next) bool {
	return poll(fd, wait, 0) == 1
}

// poll waits until fd is ready, for as long as poll(2) does with timeout.
func poll(fd int32, wait Next, timeout int) int32 {
	fds := [1]unix.PollFd{{Fd: fd, Events: unix.POLLIN}}
	if wait == WaitOut {
		fds[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(fds[:], timeout)
	if errno, ok := err.(unix.Errno); ok {
		return failed(errno)
	}
	return int32(n)
}
