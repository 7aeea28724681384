package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file opens and closes files: openat(2), openat2(2), close(2) and pipe2(2).

// openFlags are those of openat(2) that openat2(2) takes when nothing is created;
// openat ignores others.
const openFlags = unix.O_ACCMODE | unix.O_APPEND | unix.O_ASYNC | unix.O_CLOEXEC | unix.O_DIRECT | unix.O_DIRECTORY |
	unix.O_DSYNC | unix.O_EXCL | unix.O_LARGEFILE | unix.O_NOATIME | unix.O_NOCTTY | unix.O_NOFOLLOW | unix.O_NONBLOCK |
	unix.O_PATH | unix.O_SYNC

// resolveCached is RESOLVE_CACHED, Linux 5.12.
const resolveCached = 0x20

// tryOpen opens a file whose path the kernel has in its caches.
func (c *Call) tryOpen() (int32, Next) {
	how := unix.OpenHow{Flags: uint64(c.SQE.OpFlags) & openFlags}
	if c.SQE.OpFlags&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		return 0, Worker
	}
	if c.SQE.OpFlags&unix.O_PATH != 0 {
		how.Flags &= unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	}
	return c.openCached(how, c.SQE.OpFlags)
}

func (c *Call) tryOpen2() (int32, Next) {
	if c.SQE.Len != uint32(unix.SizeofOpenHow) {
		return 0, Worker
	}
	how := *(*unix.OpenHow)(pointer(&c.SQE.Off))
	if how.Resolve&resolveCached != 0 {
		return 0, Worker // it is for Do to tell EAGAIN
	}
	return c.openCached(how, uint32(how.Flags))
}

// openCached opens without waiting: for the path there is RESOLVE_CACHED (Linux
// 5.12), and what waits in its open, such as a FIFO, is asked not to with
// O_NONBLOCK, which is taken away again. The ring does the same.
func (c *Call) openCached(how unix.OpenHow, flags uint32) (int32, Next) {
	if flags&(unix.O_CREAT|unix.O_TRUNC|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		return 0, Worker
	}
	clear := flags&(unix.O_PATH|unix.O_NONBLOCK) == 0
	if clear {
		how.Flags |= unix.O_NONBLOCK
	}
	how.Flags |= uint64(c.kept(0))
	how.Resolve |= resolveCached
	res := result(syscall.Syscall6(unix.SYS_OPENAT2, uintptr(c.FD), uintptr(c.SQE.Addr),
		uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0))
	switch res {
	case eagain, // it is not in the caches, or a lease on it must be broken
		-int32(unix.ENXIO),  // a FIFO that nobody reads: waiting helps
		-int32(unix.EINVAL), // a kernel without RESOLVE_CACHED, or flags that openat2 alone refuses
		-int32(unix.ENOSYS), // one without openat2, or a sandbox
		-int32(unix.EPERM),  // a sandbox, perhaps
		eintr:
		return 0, Worker
	}
	if res >= 0 && clear {
		// F_SETFL takes what of these it can change, and they are as they were.
		_, _ = unix.FcntlInt(uintptr(res), unix.F_SETFL, int(how.Flags)&^unix.O_NONBLOCK)
	}
	return res, Done
}

func (c *Call) open() int32 {
	return result(syscall.Syscall6(unix.SYS_OPENAT, uintptr(c.FD), uintptr(c.SQE.Addr),
		c.kept(c.SQE.OpFlags|unix.O_LARGEFILE), uintptr(c.SQE.Len), 0, 0))
}

func (c *Call) open2() int32 {
	how := pointer(&c.SQE.Off)
	if c.SQE.FileIndex != 0 && c.SQE.Len == uint32(unix.SizeofOpenHow) {
		own := *(*unix.OpenHow)(how)
		own.Flags |= unix.O_CLOEXEC
		how = unsafe.Pointer(&own)
	}
	return result(syscall.Syscall6(unix.SYS_OPENAT2, uintptr(c.FD), uintptr(c.SQE.Addr),
		uintptr(how), uintptr(c.SQE.Len), 0, 0))
}

// tryClose closes what does not wait for anything then: not a file of a remote
// file system, which is written back, and not a socket that lingers.
func (c *Call) tryClose() (int32, Next) {
	if c.Hint&Pollable == 0 {
		var fs unix.Statfs_t
		if err := unix.Fstatfs(int(c.FD), &fs); err != nil && err != unix.EBADF {
			return 0, Worker
		}
		switch uint32(fs.Type) {
		case unix.FUSE_SUPER_MAGIC, unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
			unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, unix.V9FS_MAGIC,
			unix.OCFS2_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
			return 0, Worker
		case unix.SOCKFS_MAGIC:
		default:
			return c.close(), Done
		}
	}
	linger, err := unix.GetsockoptLinger(int(c.FD), unix.SOL_SOCKET, unix.SO_LINGER)
	if err == nil && linger.Onoff != 0 && linger.Linger != 0 {
		return 0, Worker
	}
	return c.close(), Done
}

// close closes FD. EINTR comes after that has been done: repeating it might close
// somebody else's.
func (c *Call) close() int32 {
	res := result(syscall.Syscall(unix.SYS_CLOSE, uintptr(c.FD), 0, 0))
	if res == eintr {
		return 0
	}
	return res
}

func (c *Call) pipe() int32 {
	return result(syscall.Syscall(unix.SYS_PIPE2, uintptr(c.SQE.Addr), c.kept(c.SQE.OpFlags), 0))
}
