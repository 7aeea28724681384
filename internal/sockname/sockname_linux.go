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
	addr := req.Arg.(*ops.Sockaddr) // Validate has looked
	call := uintptr(unix.SYS_GETSOCKNAME)
	if req.Flags != 0 {
		call = unix.SYS_GETPEERNAME
	}
	addr.Reset()
	_, _, errno := unix.RawSyscall(call, uintptr(req.FD),
		uintptr(unsafe.Pointer(&addr.Data)), uintptr(unsafe.Pointer(&addr.Len)))
	if errno != 0 {
		addr.Len = 0
	}
	return outside.Result{Res: -int32(errno)}, true
}

// Cancel is never called: nothing is pending after Start.
func (Source) Cancel(uint64, outside.Sink) bool { return false }
