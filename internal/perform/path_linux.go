package perform

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// This file has operations on names and attributes of files: statx(2),
// renameat2(2), unlinkat(2), mkdirat(2), symlinkat(2), linkat(2), getxattr(2) and
// setxattr(2). All may read directories from disk.

func (c *Call) statx() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_STATX, uintptr(c.FD), uintptr(q.Addr),
		uintptr(q.OpFlags), uintptr(q.Len), uintptr(q.Off), 0))
}

func (c *Call) rename() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_RENAMEAT2, uintptr(c.FD), uintptr(q.Addr),
		uintptr(int32(q.Len)), uintptr(q.Off), uintptr(q.OpFlags), 0))
}

func (c *Call) unlink() int32 {
	return result(syscall.Syscall(unix.SYS_UNLINKAT, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.OpFlags)))
}

func (c *Call) mkdir() int32 {
	return result(syscall.Syscall(unix.SYS_MKDIRAT, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.Len)))
}

func (c *Call) symlink() int32 {
	return result(syscall.Syscall(unix.SYS_SYMLINKAT, uintptr(c.SQE.Addr), uintptr(c.FD), uintptr(c.SQE.Off)))
}

func (c *Call) link() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_LINKAT, uintptr(c.FD), uintptr(q.Addr),
		uintptr(int32(q.Len)), uintptr(q.Off), uintptr(q.OpFlags), 0))
}

func (c *Call) getxattr() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_GETXATTR, uintptr(q.Addr3), uintptr(q.Addr),
		uintptr(q.Off), uintptr(q.Len), 0, 0))
}

func (c *Call) setxattr() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_SETXATTR, uintptr(q.Addr3), uintptr(q.Addr),
		uintptr(q.Off), uintptr(q.Len), uintptr(q.OpFlags), 0))
}

func (c *Call) fgetxattr() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_FGETXATTR, uintptr(c.FD), uintptr(q.Addr),
		uintptr(q.Off), uintptr(q.Len), 0, 0))
}

func (c *Call) fsetxattr() int32 {
	q := &c.SQE
	return result(syscall.Syscall6(unix.SYS_FSETXATTR, uintptr(c.FD), uintptr(q.Addr),
		uintptr(q.Off), uintptr(q.Len), uintptr(q.OpFlags), 0))
}
