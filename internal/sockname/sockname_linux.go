// Package sockname asks for the addresses of sockets with ordinary system calls,
// where the kernel's rings cannot (before Linux 6.19). These calls never block.
package sockname

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Source carries out ops.CodeSocketName.
type Source struct{}

// Start does all of it. Direct descriptors are beyond its reach: EOPNOTSUPP, which
// is what the kernel would say as well.
func (Source) Start(_ uint64, req *ops.Request, _ outside.Sink) (outside.Result, bool) {
	if ops.DirectOf(int(req.FD)).Valid() {
		return outside.Result{Res: -int32(syscall.EOPNOTSUPP)}, true
	}
	call := uintptr(unix.SYS_GETSOCKNAME)
	if req.Flags != 0 {
		call = unix.SYS_GETPEERNAME
	}
	errno := ask(call, req.FD, req.Arg.(*ops.Sockaddr)) // Validate has looked
	return outside.Result{Res: -int32(errno)}, true
}

func ask(call uintptr, fd int32, addr *ops.Sockaddr) syscall.Errno {
	addr.Reset()
	_, _, errno := unix.RawSyscall(call, uintptr(fd),
		uintptr(unsafe.Pointer(&addr.Data)), uintptr(unsafe.Pointer(&addr.Len)))
	if errno != 0 {
		addr.Len = 0
	}
	return errno
}

// The lengths of addresses of connections that can be reset: sockaddr_in6 and
// sockaddr_in (ipv6(7), ip(7)).
var lengths = [...]uint32{28, 16}

// Peer fills addr with what accept4(2) would have said of fd, which it has made.
// getpeername(2) does not know the other side of a connection that was reset since:
// ENOTCONN. The option SO_PEERNAME does, which wants to be told the exact length at
// most: EINVAL beyond it. If nothing helps, addr is empty.
func Peer(fd int32, addr *ops.Sockaddr) {
	if ask(unix.SYS_GETPEERNAME, fd, addr) != syscall.ENOTCONN {
		return
	}
	for _, addr.Len = range lengths {
		_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERNAME,
			uintptr(unsafe.Pointer(&addr.Data)), uintptr(unsafe.Pointer(&addr.Len)), 0)
		if errno == 0 {
			return
		}
	}
	addr.Len = 0
}

// Cancel is never called: nothing is pending after Start.
func (Source) Cancel(uint64, outside.Sink) bool { return false }
