package perform

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file has operations on ranges of files and memory. Where arguments of 64
// bits are passed differently on each architecture, x/sys knows how.

func (c *Call) fsync() int32 {
	if c.SQE.OpFlags&uring.FsyncDatasync != 0 {
		return outcome(unix.Fdatasync(int(c.FD)))
	}
	return outcome(unix.Fsync(int(c.FD)))
}

func (c *Call) syncFileRange() int32 {
	return outcome(unix.SyncFileRange(int(c.FD), int64(c.SQE.Off), int64(c.SQE.Len), int(c.SQE.OpFlags)))
}

func (c *Call) fallocate() int32 {
	return outcome(unix.Fallocate(int(c.FD), c.SQE.Len, int64(c.SQE.Off), int64(c.SQE.Addr)))
}

func (c *Call) ftruncate() int32 { return outcome(unix.Ftruncate(int(c.FD), int64(c.SQE.Off))) }

// tryFadvise leaves to a worker what reads or drops pages.
func (c *Call) tryFadvise() (int32, Next) {
	switch c.SQE.OpFlags {
	case unix.FADV_NORMAL, unix.FADV_RANDOM, unix.FADV_SEQUENTIAL:
		return c.fadvise(), Done
	}
	return 0, Worker
}

func (c *Call) fadvise() int32 {
	size := c.SQE.Addr // lengths beyond 32 bits
	if size == 0 {
		size = uint64(c.SQE.Len)
	}
	return outcome(unix.Fadvise(int(c.FD), int64(c.SQE.Off), int64(size), int(c.SQE.OpFlags)))
}

func (c *Call) madvise() int32 {
	size := c.SQE.Off // lengths beyond 32 bits
	if size == 0 {
		size = uint64(c.SQE.Len)
	}
	return result(syscall.Syscall(unix.SYS_MADVISE, uintptr(c.SQE.Addr), uintptr(size), uintptr(c.SQE.OpFlags)))
}
