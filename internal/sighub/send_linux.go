package sighub

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Sender sends signals. Sending does not block: requests are done when they
// start.
type Sender struct{}

var _ outside.Source = Sender{}

// Start sends the signal.
func (Sender) Start(_ uint64, req *ops.Request, _ outside.Sink) (outside.Result, bool) {
	errno := send(req.Arg.(*ops.SignalSend)) // Validate has looked
	return outside.Result{Res: -int32(errno)}, true
}

// Cancel is never called: nothing is pending after Start.
func (Sender) Cancel(uint64, outside.Sink) bool { return false }

func send(k *ops.SignalSend) (errno syscall.Errno) {
	sig := uintptr(k.Sig)
	switch k.How {
	case ops.SendKill:
		_, _, errno = unix.RawSyscall(unix.SYS_KILL, uintptr(k.Pid), sig, 0)
	case ops.SendThread:
		_, _, errno = unix.RawSyscall(unix.SYS_TGKILL, uintptr(k.Pid), uintptr(k.Tid), sig)
	case ops.SendFD:
		_, _, errno = unix.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(k.FD), sig, 0, 0, 0, 0)
	default:
		return sendValue(k)
	}
	return errno
}

func sendValue(k *ops.SignalSend) (errno syscall.Errno) {
	var info siginfo
	info.setInt32(0, int32(k.Sig))
	info.setCode(siQueue)
	info.setInt32(fields, int32(os.Getpid()))
	info.setInt32(fields+4, int32(os.Getuid()))
	info.setWord(fields+8, k.Value)
	sig, p := uintptr(k.Sig), uintptr(unsafe.Pointer(&info))
	switch k.How {
	case ops.SendValue:
		_, _, errno = unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(k.Pid), sig, p)
	case ops.SendThreadValue:
		_, _, errno = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(k.Pid), uintptr(k.Tid), sig, p, 0, 0)
	case ops.SendFDValue:
		_, _, errno = unix.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(k.FD), sig, p, 0, 0, 0)
	}
	return errno
}
