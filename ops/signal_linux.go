package ops

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func signalName(sig syscall.Signal) string { return unix.SignalName(sig) }

// refusedSignals are those that cannot be taken away from the kernel, the Go
// runtime or the C library: the program dies, or hangs, without them.
var refusedSignals = map[syscall.Signal]string{
	unix.SIGKILL: "nothing can catch it",
	unix.SIGSTOP: "nothing can catch it",
	unix.SIGILL:  "it reports a fault of the program itself",
	unix.SIGTRAP: "it reports a fault of the program itself",
	unix.SIGBUS:  "it reports a fault of the program itself",
	unix.SIGFPE:  "it reports a fault of the program itself",
	unix.SIGSEGV: "it reports a fault of the program itself",
	unix.SIGURG:  "the Go runtime preempts goroutines with it",
	unix.SIGPROF: "the Go runtime profiles with it",
	32:           "the C library cancels threads with it",
	33:           "the C library changes user IDs with it",
}
