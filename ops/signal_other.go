//go:build !linux

package ops

import "syscall"

// signalName knows Linux's names only: the numbers mean other signals elsewhere.
func signalName(syscall.Signal) string { return "" }

var refusedSignals map[syscall.Signal]string
