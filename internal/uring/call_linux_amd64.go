package uring

import "unsafe"

// call is the system call io_uring_enter. What it returns is the kernel's answer:
// below zero a negated errno.
//
// It is Syscall6 without the functions of package syscall around it, and leaves the
// processor with something to predict returns by. It ends in the kernel's addresses
// otherwise, of which the processor then tries to fetch code, at 50 ns for each return
// from a function that was entered before. See the decision record 0013.
//
//go:noescape
func call(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)

// callOwned is call for who returns to the user of the Ring at once.
//
//go:noescape
func callOwned(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)
