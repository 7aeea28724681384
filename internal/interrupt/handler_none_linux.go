//go:build linux && !amd64 && !arm64

package interrupt

import "syscall"

// Supported reports whether calls can be interrupted on this architecture.
const Supported = false

func setHandler(syscall.Signal) error { return nil }
