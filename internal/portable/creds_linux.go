//go:build linux && !386 && !arm

package portable

import (
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// creds are a thread's credentials, as credentials(7) and capabilities(7) list them.
type creds struct {
	user, group [4]uint32 // real, effective, saved, and that of the file system
	groups      []uint32
	caps        [2]unix.CapUserData
}

// unchanged, as an argument, leaves an id as it is.
const unchanged = ^uintptr(0)

// currentCreds returns those of the calling thread.
func currentCreds() (*creds, syscall.Errno) {
	c := new(creds)
	u, g := &c.user, &c.group
	for _, ids := range []struct {
		call uintptr
		to   *[4]uint32
	}{{unix.SYS_GETRESUID, u}, {unix.SYS_GETRESGID, g}} {
		_, _, errno := syscall.RawSyscall(ids.call, uintptr(unsafe.Pointer(&ids.to[0])),
			uintptr(unsafe.Pointer(&ids.to[1])), uintptr(unsafe.Pointer(&ids.to[2])))
		if errno != 0 {
			return nil, errno
		}
	}
	u[3], g[3] = setFS(unix.SYS_SETFSUID, unchanged), setFS(unix.SYS_SETFSGID, unchanged)
	n, _, errno := syscall.RawSyscall(unix.SYS_GETGROUPS, 0, 0, 0)
	if errno == 0 && n != 0 {
		c.groups = make([]uint32, n)
		n, _, errno = syscall.RawSyscall(unix.SYS_GETGROUPS, n, uintptr(unsafe.Pointer(&c.groups[0])), 0)
		c.groups = c.groups[:min(int(n), len(c.groups))]
	}
	if errno != 0 {
		return nil, errno
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err := unix.Capget(&h, &c.caps[0])
	errno, _ = err.(syscall.Errno)
	return c, errno
}

// setFS sets the id for the file system, and returns the one before. The call says
// nothing about errors.
func setFS(call, id uintptr) uint32 {
	before, _, _ := syscall.RawSyscall(call, id, 0, 0)
	return uint32(before)
}

// adopt gives c to the calling thread, and to no other.
func (c *creds) adopt() syscall.Errno {
	now, errno := currentCreds()
	if errno != 0 {
		return errno
	}
	if now.user == c.user && now.group == c.group && now.caps == c.caps && slices.Equal(now.groups, c.groups) {
		return 0
	}
	// The capabilities are needed until all is done.
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		errno, _ := err.(syscall.Errno)
		return errno
	}
	if !slices.Equal(now.groups, c.groups) {
		_, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(c.groups)),
			uintptr(unsafe.Pointer(unsafe.SliceData(c.groups))), 0)
		if errno != 0 {
			return errno
		}
	}
	for _, ids := range []struct {
		call, fs uintptr
		to       [4]uint32
	}{{unix.SYS_SETRESGID, unix.SYS_SETFSGID, c.group}, {unix.SYS_SETRESUID, unix.SYS_SETFSUID, c.user}} {
		_, _, errno := syscall.RawSyscall(ids.call, uintptr(ids.to[0]), uintptr(ids.to[1]), uintptr(ids.to[2]))
		if errno != 0 {
			return errno
		}
		setFS(ids.fs, uintptr(ids.to[3]))
		if setFS(ids.fs, unchanged) != ids.to[3] {
			return syscall.EPERM
		}
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err := unix.Capset(&h, &c.caps[0])
	errno, _ = err.(syscall.Errno)
	return errno
}

// registerCreds remembers the calling thread's credentials under a new id.
func (e *Engine) registerCreds() (int, syscall.Errno) {
	c, errno := currentCreds()
	if errno != 0 {
		return 0, errno
	}
	for range 1 << 16 {
		e.lastID++
		if e.lastID != 0 && e.creds[e.lastID] == nil {
			if e.creds == nil {
				e.creds = map[uint16]*creds{}
			}
			e.creds[e.lastID] = c
			return int(e.lastID), 0
		}
	}
	return 0, syscall.EBUSY
}

func (e *Engine) unregisterCreds(id uint16) syscall.Errno {
	if e.creds[id] == nil {
		return syscall.EINVAL
	}
	delete(e.creds, id)
	return 0
}

// runAs has w's call carried out with credentials c, on a thread that ends with it:
// nothing else ever runs there. EPERM tells that the process may no longer take them.
func runAs(c *creds, w *worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good
		if unix.Gettid() == unix.Getpid() {
			// The main thread does not end, and is what others see of the process.
			// While it is held, there is another.
			runAs(c, w)
			runtime.UnlockOSThread()
			return
		}
		if errno := c.adopt(); errno != 0 {
			w.res = -int32(errno)
			return
		}
		w.call.RunLocked(w.body)
	}()
	<-done
}
