package signals_test

import (
	"fmt"
	"os"
	"syscall"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/signals"
)

// Ways to name a child, and to name whom a signal is for.
func ExampleChild() {
	self, _ := os.FindProcess(os.Getpid())
	defer self.Release()
	for _, r := range []ops.Request{
		signals.Child(1234, 0), signals.ChildFD(5, 0), signals.ChildOf(self),
		signals.Kill(1234, syscall.SIGHUP), signals.KillThread(1234, 1235, syscall.SIGHUP), signals.KillFD(5, syscall.SIGHUP),
		signals.Queue(1234, syscall.SIGHUP, 7), signals.QueueThread(os.Getpid(), 1235, syscall.SIGHUP, 7),
		signals.QueueFD(5, syscall.SIGHUP, 7), signals.Once(syscall.SIGHUP),
	} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// wait for child <nil>
	// wait for child <nil>
	// wait for child <nil>
	// send signal <nil>
	// send signal <nil>
	// send signal <nil>
	// send signal <nil>
	// send signal <nil>
	// send signal <nil>
	// signal watch <nil>
}
