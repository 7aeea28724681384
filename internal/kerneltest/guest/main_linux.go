// Command guest is /init of a virtual machine that runs tests on another kernel.
// It sets up what a program expects to find, runs the commands of its Job, says
// on the second serial port how they end, and switches the machine off. Called as
// "guest probe" it tries what the kernel's io_uring can do, as "guest memlock" what
// a limit forbids.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

func main() {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "probe":
			os.Exit(probe())
		case "memlock":
			os.Exit(memlock())
		}
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: to be run as /init of a virtual machine, or with the argument probe or memlock")
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Println("guest:", err)
	}
	// Without Done the machine outside counts everything as failed.
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

func run() error {
	if err := mountAll(); err != nil {
		return err
	}
	port, err := openPort("/dev/ttyS1")
	if err != nil {
		return err
	}
	say := func(e job.Event) { fmt.Fprintf(port, "\n%s\n", e.Line()) }
	defer drain(port)
	if err := settle(); err != nil {
		say(job.Event{Fail: err.Error()})
		return err
	}
	text, err := os.ReadFile(job.Path)
	if err != nil {
		say(job.Event{Fail: err.Error()})
		return err
	}
	var j job.Job
	if err := json.Unmarshal(text, &j); err != nil {
		say(job.Event{Fail: err.Error()})
		return err
	}
	for i := range j.Commands {
		c := &j.Commands[i]
		say(job.Event{Start: c.Name})
		say(job.Event{End: execute(c, port)})
	}
	say(job.Event{Done: true})
	return nil
}
