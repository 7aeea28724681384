//go:build !amd64

package uring

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is the system call io_uring_enter. What it returns is the kernel's answer:
// below zero a negated errno.
func call(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int) {
	n, _, errno := syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(toSubmit),
		uintptr(minComplete), uintptr(flags), uintptr(arg), size)
	if errno != 0 {
		return -int(errno)
	}
	return int(n)
}

func callOwned(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int) {
	return call(fd, toSubmit, minComplete, flags, arg, size)
}
