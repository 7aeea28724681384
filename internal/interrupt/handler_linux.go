//go:build linux && (amd64 || arm64)

package interrupt

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported reports whether calls can be interrupted on this architecture.
const Supported = true

// handlerPC and restorerPC return the addresses of the handler, and of the code
// that it returns to (0: the kernel's own). Implemented in assembly.
func handlerPC() uintptr
func restorerPC() uintptr

// action is the kernel's struct sigaction on both architectures.
type action struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saOnStack  = 0x08000000 // Go's threads have no room for a handler elsewhere
	saRestorer = 0x04000000
)

// setHandler installs the handler: without SA_RESTART, which is the point.
func setHandler(sig syscall.Signal) error {
	a := action{handler: handlerPC(), flags: saOnStack, restorer: restorerPC()}
	if a.restorer != 0 {
		a.flags |= saRestorer
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&a)), 0, unsafe.Sizeof(a.mask), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
