//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package sighub

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// everything is what a thread blocks while it is in a signal handler: all that
// can be blocked.
var everything = ^ops.SignalsOf(unix.SIGKILL, unix.SIGSTOP)

// maxThreads is how many threads are looked at one by one.
const maxThreads = 500

// awaitHandlers waits until no thread is in a handler, which the threads' masks
// tell: also those that the kernel has sent there and that have not run an
// instruction yet. A thread may block everything for reasons of its own, so this
// has a bound.
func awaitHandlers() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil || len(tasks) > maxThreads {
		time.Sleep(5 * time.Millisecond) // without a look, long enough for most
		return
	}
	for range 50 {
		tasks = slices.DeleteFunc(tasks, func(task os.DirEntry) bool {
			return maskOf("/proc/self/task/"+task.Name()+"/status", "SigBlk") != everything
		})
		if len(tasks) == 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// maskOf reads a set of signals from a thread's status file (proc_pid_status(5)),
// the empty set if it has gone.
func maskOf(path, name string) (set ops.SignalSet) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	_, _ = fmt.Sscanf(rest, "%x", &set)
	return set
}
