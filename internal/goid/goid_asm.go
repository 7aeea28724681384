//go:build amd64 || arm64

package goid

// current reads the g register. Implemented in assembly.
func current() uintptr
