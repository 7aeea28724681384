//go:build !linux

// Package futex has the futex(2) calls of Linux.
package futex
