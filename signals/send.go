package signals

import (
	"syscall"

	"github.com/sluicego/sluice/ops"
)

// Kill returns a request to send sig to the process pid, like kill(2): 0 means
// the sender's process group, -1 everybody, other negative numbers the group -pid.
// Signal 0 sends nothing and checks that the target exists. It completes with
// result 0, or with ESRCH or EPERM.
//
// A pid may have been given to another process since it was learned; KillFD is
// safe from that.
//
// This and the other requests to send complete at once, in a chain when their turn
// comes.
func Kill(pid int, sig syscall.Signal) ops.Request {
	return send(ops.SignalSend{How: ops.SendKill, Pid: pid, Sig: sig})
}

// KillThread returns a request to send sig to the thread tid of the process pid,
// like tgkill(2).
func KillThread(pid, tid int, sig syscall.Signal) ops.Request {
	return send(ops.SignalSend{How: ops.SendThread, Pid: pid, Tid: tid, Sig: sig})
}

// Queue returns a request to send sig to the process pid with a value, like
// sigqueue(3). C programs read the lower 4 bytes as sival_int, all 8 as sival_ptr.
// EAGAIN says that RLIMIT_SIGPENDING of the receiver's user is reached: nothing
// was sent.
func Queue(pid int, sig syscall.Signal, value uint64) ops.Request {
	return send(ops.SignalSend{How: ops.SendValue, Pid: pid, Sig: sig, Value: value})
}

// QueueThread is Queue to the thread tid of the process pid (rt_tgsigqueueinfo(2)).
func QueueThread(pid, tid int, sig syscall.Signal, value uint64) ops.Request {
	return send(ops.SignalSend{How: ops.SendThreadValue, Pid: pid, Tid: tid, Sig: sig, Value: value})
}

// KillFD returns a request to send sig to the process that pidfd refers to, like
// pidfd_send_signal(2), from kernel 5.1. If the process has ended the completion
// fails with ESRCH, even when its pid is in use again.
func KillFD(pidfd int, sig syscall.Signal) ops.Request {
	return send(ops.SignalSend{How: ops.SendFD, FD: pidfd, Sig: sig})
}

// QueueFD is KillFD with a value, as Queue sends it.
func QueueFD(pidfd int, sig syscall.Signal, value uint64) ops.Request {
	return send(ops.SignalSend{How: ops.SendFDValue, FD: pidfd, Sig: sig, Value: value})
}

func send(s ops.SignalSend) ops.Request {
	return ops.Request{Code: ops.CodeKill, FD: -1, Arg: &s}
}
