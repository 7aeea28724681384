package perform

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Negated errnos that are looked for.
const (
	eagain      = -int32(unix.EAGAIN)
	ealready    = -int32(unix.EALREADY)
	einprogress = -int32(unix.EINPROGRESS)
	eintr       = -int32(unix.EINTR)
	eopnotsupp  = -int32(unix.EOPNOTSUPP)
	espipe      = -int32(unix.ESPIPE)
)

// result makes a completion's result of what a system call returned.
func result(n, _ uintptr, errno syscall.Errno) int32 {
	if errno != 0 {
		return -int32(errno)
	}
	return int32(n)
}

func failed(errno syscall.Errno) int32 { return -int32(errno) }

// finish returns the result of a transfer whose last step gave res, which is in done
// already if it is a number of bytes.
func (c *Call) finish(res int32) int32 {
	if c.done > 0 {
		return c.done
	}
	return res
}

// outcome makes a result of what a call that returns nothing else reports.
func outcome(err error) int32 {
	if err == nil {
		return 0
	}
	errno, _ := err.(syscall.Errno) // x/sys returns no others
	return failed(errno)
}
