package uring

import "unsafe"

// call is the system call io_uring_enter. What it returns is the kernel's answer:
// below zero a negated errno.
//
// It is Syscall6 with fewer functions between the kernel and the caller: each costs 12
// ns, because it returns by an address that the processor has forgotten in the kernel.
// It is the caller of entersyscall and exitsyscall that x/sys/unix has in the same way
// for calls without errors; see the decision record 0013.
//
//go:noescape
func call(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)
