package perform

import "golang.org/x/sys/unix"

// isRegular reports whether FD is a regular file or the like, which is always
// ready and whose transfers are whole.
func (c *Call) isRegular() bool { return kindOf(c.FD, &c.Hint)&Regular != 0 }

// isNonblocking reports whether FD has O_NONBLOCK.
func (c *Call) isNonblocking() bool { return blockingOf(c.FD, &c.Hint)&NonBlocking != 0 }

// kindOf adds to h whether fd is a regular file, or may be waited for, unless that
// is known.
func kindOf(fd int32, h *Hint) Hint {
	if *h&(Pollable|Regular) != 0 {
		return *h
	}
	var st unix.Stat_t
	if unix.Fstat(int(fd), &st) != nil {
		return *h
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFDIR:
		*h |= Regular
	case unix.S_IFIFO, unix.S_IFSOCK:
		*h |= Pollable
	}
	return *h
}

func isSocket(fd int32) bool {
	var st unix.Stat_t
	return unix.Fstat(int(fd), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

// blockingOf adds to h whether fd has O_NONBLOCK, unless that is known.
func blockingOf(fd int32, h *Hint) Hint {
	if *h&(NonBlocking|Blocking) != 0 {
		return *h
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	switch {
	case err != nil:
	case flags&unix.O_NONBLOCK != 0:
		*h |= NonBlocking
	default:
		*h |= Blocking
	}
	return *h
}

// setNonblock changes O_NONBLOCK of a file that nobody else uses yet. It fails for
// what is no open file, which the call that follows tells.
func setNonblock(fd int32, on bool) { _ = unix.SetNonblock(int(fd), on) }

// ready reports whether fd is ready for a wait, or has an error or hangup to report.
func ready(fd int32, wait Next) bool {
	return poll(fd, wait, 0) == 1
}

// shut reports whether nothing more comes into the socket fd.
func shut(fd int32) bool {
	fds := [1]unix.PollFd{{Fd: fd, Events: unix.POLLRDHUP}}
	n, err := unix.Poll(fds[:], 0)
	return err == nil && n == 1 && fds[0].Revents&unix.POLLRDHUP != 0
}

// poll waits until fd is ready, for as long as poll(2) does with timeout.
func poll(fd int32, wait Next, timeout int) int32 {
	fds := [1]unix.PollFd{{Fd: fd, Events: unix.POLLIN}}
	if wait == WaitOut {
		fds[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(fds[:], timeout)
	if err != nil {
		return outcome(err)
	}
	return int32(n)
}
