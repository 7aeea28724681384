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
// has a bound: 5 ms for one that sleeps, and on a busy machine some 500 ms for one that waits
// for a processor.
func awaitHandlers() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil || len(tasks) > maxThreads {
		time.Sleep(5 * time.Millisecond) // without a look, long enough for most
		return
	}
	for i := range 5000 {
		tasks = slices.DeleteFunc(tasks, func(task os.DirEntry) bool {
			status := statusOf("/proc/self/task/" + task.Name() + "/status")
			return status.mask("SigBlk") != everything || i >= 50 && !status.runnable()
		})
		if len(tasks) == 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// threadStatus is a thread's status file (proc_pid_status(5)).
type threadStatus string

// statusOf reads it. It is empty if the thread has gone.
func statusOf(path string) threadStatus {
	text, _ := os.ReadFile(path)
	return threadStatus(text)
}

// mask returns a set of signals, the empty set if there is none of that name.
func (s threadStatus) mask(name string) (set ops.SignalSet) {
	_, rest, _ := strings.Cut(string(s), "\n"+name+":")
	_, _ = fmt.Sscanf(rest, "%x", &set)
	return set
}

// runnable reports whether the thread runs, or waits for nothing but a processor.
func (s threadStatus) runnable() bool { return strings.Contains(string(s), "\nState:\tR") }
