//go:build amd64 || arm64

package goid

// Exact reports whether Current identifies goroutines, rather than threads.
const Exact = true

// current reads the g register. Implemented in assembly.
func current() uintptr
