package sighub

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

const (
	pPidfd    = 3 // P_PIDFD of waitid(2), from kernel 5.4
	cldExited = 1
	cldDumped = 3
)

// fetch gets the status of a child that has ended, and reports whether it has.
func (c *child) fetch() (outside.Result, bool) {
	flags := 0
	if c.leave {
		flags = unix.WNOWAIT
	}
	var usage unix.Rusage
	info, err := c.wait(flags, &usage)
	switch {
	case err == unix.ECHILD:
		return c.fetchLate()
	case err != 0:
		return outside.Result{Res: -int32(err)}, true
	case info.signo() == 0:
		return outside.Result{}, false // it still runs
	}
	exit := &ops.ChildExit{
		Pid: int(info.int32(fields)), UID: uint32(info.int32(fields + 4)),
		Usage: usageOf(&usage),
	}
	setStatus(exit, info.code(), info.int32(fields+8))
	return outside.Result{Brought: exit}, true
}

// held reports whether the child has ended, as its pidfd says, and is still its
// tracer's, as under a debugger: its parent learns of the end after that.
func (c *child) held() bool {
	info, err := c.wait(unix.WNOWAIT, nil)
	return err == 0 && info.signo() == 0
}

// wait asks for the status of the child. It does not block, and the signal of what it
// returns is 0 if there is none yet.
func (c *child) wait(flags int, usage *unix.Rusage) (info siginfo, errno syscall.Errno) {
	errno = unix.EINTR
	for errno == unix.EINTR {
		_, _, errno = unix.RawSyscall6(unix.SYS_WAITID, pPidfd, uintptr(c.pidfd),
			uintptr(unsafe.Pointer(&info)), uintptr(flags|unix.WEXITED|unix.WNOHANG), uintptr(unsafe.Pointer(usage)), 0)
	}
	return info, errno
}

func setStatus(e *ops.ChildExit, code, status int32) {
	e.Exited = code == cldExited
	if e.Exited {
		e.Status = int(status)
		return
	}
	e.Signal, e.Core = syscall.Signal(status), code == cldDumped
}

func usageOf(u *unix.Rusage) ops.ChildUsage {
	return ops.ChildUsage{
		UserTime: time.Duration(u.Utime.Nano()), SystemTime: time.Duration(u.Stime.Nano()),
		MaxRSS:      int64(u.Maxrss) << 10,
		MinorFaults: int64(u.Minflt), MajorFaults: int64(u.Majflt),
		BlocksIn: int64(u.Inblock), BlocksOut: int64(u.Oublock),
		Waits: int64(u.Nvcsw), Preemptions: int64(u.Nivcsw),
	}
}

// pidfdInfo is the kernel's struct pidfd_info, up to exit_code.
type pidfdInfo struct {
	mask                                       uint64
	cgroup                                     uint64
	pid, tgid, ppid                            uint32
	ruid, rgid, euid, egid, suid, sgid, fu, fg uint32
	exitCode                                   int32
}

const (
	pidfdGetInfo  = 0xff<<8 | 11 | 3<<30 // _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)
	pidfdInfoExit = 1 << 3
)

// fetchLate is for processes that are not, or no longer, to be waited for:
// somebody else has, or they are no children of ours. From kernel 6.15 a pidfd
// keeps the exit status (PIDFD_INFO_EXIT); without that it is ECHILD. While such
// a process runs, poll still tells its end.
func (c *child) fetchLate() (outside.Result, bool) {
	if c.running() {
		return outside.Result{}, false
	}
	info := pidfdInfo{mask: pidfdInfoExit}
	_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(c.pidfd),
		pidfdGetInfo|unsafe.Sizeof(info)<<16, uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.mask&pidfdInfoExit == 0 {
		return outside.Result{Res: -int32(unix.ECHILD)}, true
	}
	status := unix.WaitStatus(info.exitCode)
	exit := &ops.ChildExit{Pid: int(info.pid), UID: info.ruid}
	if exit.Exited = status.Exited(); exit.Exited {
		exit.Status = status.ExitStatus()
	} else {
		exit.Signal, exit.Core = status.Signal(), status.CoreDump()
	}
	return outside.Result{Brought: exit}, true
}

// running reports whether the process has not ended.
func (c *child) running() bool {
	fds := []unix.PollFd{{Fd: int32(c.pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return n == 0 && err == nil
		}
	}
}
