//go:build linux && !amd64 && !arm64

package goid

import "golang.org/x/sys/unix"

func current() uintptr { return uintptr(unix.Gettid()) }
