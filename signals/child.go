package signals

import (
	"os"

	"github.com/sluicego/sluice/ops"
)

// Exit tells how a child ended.
type Exit = ops.ChildExit

// Leave as flag of Child and ChildFD leaves the child to be waited for by somebody
// else as well: it is WNOWAIT of waitid(2).
const Leave = ops.ChildLeave

// Child returns a request that completes when the child pid has ended, at once if
// it has already. ExitOf gives its status. The request waits for the child, like
// waitid(2) with P_PIDFD and WEXITED, so that it is no zombie any more; with flags
// Leave it does not, and somebody else must.
//
// It is for children that nobody else waits for. For those of os/exec and
// os.StartProcess use ChildOf: the request would take the status from under
// exec.Cmd.Wait.
//
// Cancelling the request, or its timeout, leaves the child alone: its status is
// still there for another request. ESRCH and ECHILD: there is no such child. A
// process that is no child of this one can be watched too; its status is then
// known from kernel 6.15 on, if its parent had waited for it when the completion
// was made; else the completion fails with ECHILD at its end.
//
// It needs a pidfd (kernel 5.4), which it opens and closes itself. It cannot be
// part of a chain.
func Child(pid, flags int) ops.Request {
	if pid <= 0 {
		return refuse(ops.CodeChild, "pid %d: want one child", pid)
	}
	return child(ops.ChildTarget{Pid: pid}, -1, flags)
}

// ChildFD is Child for the process that pidfd refers to (pidfd_open(2), or
// syscall.SysProcAttr.PidFD). The descriptor stays the caller's, and may be closed
// after Submit.
func ChildFD(pidfd, flags int) ops.Request {
	return child(ops.ChildTarget{}, pidfd, flags)
}

// ChildOf returns a request that completes when p has ended, and leaves it to
// p.Wait, or exec.Cmd.Wait: those still have to be called, and return at once
// then. If one of them has returned before Submit the completion fails with
// ECHILD; if one is faster than the request, the status is known from kernel 6.15
// on, and without resource usage; before, that is ECHILD as well.
func ChildOf(p *os.Process) ops.Request {
	if p == nil {
		return refuse(ops.CodeChild, "no process")
	}
	return child(ops.ChildTarget{Process: p}, -1, Leave).Keeping(p)
}

// ExitOf returns how the child of a completed Child, ChildFD or ChildOf request
// ended: nil for completions of other requests, and for those that failed.
func ExitOf(c *ops.Completion) *Exit {
	if c.Code != ops.CodeChild {
		return nil
	}
	exit, _ := c.Arg.(*Exit)
	return exit
}

func child(t ops.ChildTarget, pidfd, flags int) ops.Request {
	if flags&^Leave != 0 {
		return refuse(ops.CodeChild, "flags %#x: want Leave or 0: watch SIGCHLD for stopped children", flags)
	}
	return ops.Request{Code: ops.CodeChild, FD: int32(pidfd), Flags: uint32(flags), Arg: &t}
}
