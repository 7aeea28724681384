package portable

import "unsafe"

// address returns what an address in an entry points to: memory that the entry's
// owner keeps reachable, and that does not move.
func address(a uint64) unsafe.Pointer {
	p := uintptr(a)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// at returns the value at an address in an entry.
func at[T any](a uint64) *T { return (*T)(address(a)) }
