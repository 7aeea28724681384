//go:build linux && !amd64 && !arm64

package goid

import "golang.org/x/sys/unix"

// Exact reports whether Current identifies goroutines, rather than threads.
const Exact = false

func current() uintptr { return uintptr(unix.Gettid()) }
