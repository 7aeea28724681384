// Package goid tells goroutines apart.
package goid

// Current returns a number that identifies the calling goroutine for as long as
// it runs: the address of the runtime's descriptor of it, which is reused, never
// freed, after the goroutine has ended. It costs about a nanosecond. On
// architectures without the assembly it identifies the operating system thread,
// by a system call: the same for a goroutine that is locked to its thread.
func Current() uintptr { return current() }
