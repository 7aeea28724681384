package ops

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// ChildTarget says which child a CodeChild request is about: a process, or a
// pid. When both are unset it is the pidfd in the request's FD.
type ChildTarget struct {
	Process *os.Process
	Pid     int
}

// String names the child.
func (t *ChildTarget) String() string {
	switch {
	case t == nil:
		return "nothing"
	case t.Process != nil:
		return fmt.Sprintf("pid %d", t.Process.Pid)
	case t.Pid != 0:
		return fmt.Sprintf("pid %d", t.Pid)
	}
	return "pidfd"
}

// ChildLeave as flag of a CodeChild request leaves the child to be waited for by
// somebody else: WNOWAIT of waitid(2).
const ChildLeave = 0x1000000

// ChildExit tells how a child ended: what waitid(2) reports.
type ChildExit struct {
	Pid    int
	UID    uint32
	Exited bool           // it called exit, or returned from main
	Status int            // its exit status, 0 to 255, if it exited
	Signal syscall.Signal // the signal that killed it, if it did not
	Core   bool           // it left a core dump
	Usage  ChildUsage     // zero if somebody else had waited for the child before
}

// ChildUsage is what a child, with its own children that it waited for, has used
// up (getrusage(2)).
type ChildUsage struct {
	UserTime, SystemTime time.Duration
	MaxRSS               int64 // greatest resident set in bytes
	MinorFaults          int64 // page faults that needed no input
	MajorFaults          int64 // page faults that did
	BlocksIn, BlocksOut  int64 // file system input and output, in units of 512 bytes
	Waits                int64 // voluntary context switches
	Preemptions          int64 // involuntary ones
}

// Success reports whether the child exited with status 0.
func (e *ChildExit) Success() bool { return e.Exited && e.Status == 0 }

// String describes the end of the child as os.ProcessState does.
func (e *ChildExit) String() string {
	switch {
	case e.Exited:
		return fmt.Sprintf("exit status %d", e.Status)
	case e.Core:
		return fmt.Sprintf("signal: %v (core dumped)", e.Signal)
	}
	return fmt.Sprintf("signal: %v", e.Signal)
}

// validateChild checks a child watch.
func (r *Request) validateChild() error {
	t, ok := r.Arg.(*ChildTarget)
	switch {
	case !ok || t == nil:
		return r.wrong("argument %T: want a *ChildTarget that is not nil", r.Arg)
	case t.Process == nil && t.Pid == 0 && r.FD < 0:
		return r.wrong("no child is named")
	case t.Process == nil && t.Pid < 0:
		// waitid takes such numbers for groups of children, and would take
		// children away from os/exec.
		return r.wrong("pid %d: want one child", t.Pid)
	case r.Flags&^ChildLeave != 0:
		return r.wrong("flags %#x: want WNOWAIT or 0", r.Flags)
	}
	return nil
}
