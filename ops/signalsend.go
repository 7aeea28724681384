package ops

import (
	"fmt"
	"syscall"
)

// SignalSend says what signal a CodeKill request sends, and whom to. The zero
// values of Tid and FD mean what the constructors of package signals say.
type SignalSend struct {
	How   SendHow
	Pid   int            // process, or group as in kill(2)
	Tid   int            // thread, for SendThread and SendThreadValue
	FD    int            // pidfd, for SendFD
	Sig   syscall.Signal // 0 only checks that the target exists
	Value uint64         // for SendValue, SendThreadValue and SendFDValue
}

// SendHow is the system call that sends a signal.
type SendHow uint8

const (
	// SendKill is kill(2).
	SendKill SendHow = iota
	// SendThread is tgkill(2).
	SendThread
	// SendValue is rt_sigqueueinfo(2), which sigqueue(3) is.
	SendValue
	// SendThreadValue is rt_tgsigqueueinfo(2).
	SendThreadValue
	// SendFD is pidfd_send_signal(2).
	SendFD
	// SendFDValue is pidfd_send_signal(2) with a value.
	SendFDValue
)

// String names the target.
func (k *SignalSend) String() string {
	if k == nil {
		return "nothing"
	}
	switch k.How {
	case SendThread, SendThreadValue:
		return fmt.Sprintf("%s to thread %d of pid %d", SignalName(k.Sig), k.Tid, k.Pid)
	case SendFD, SendFDValue:
		return fmt.Sprintf("%s to pidfd %d", SignalName(k.Sig), k.FD)
	}
	return fmt.Sprintf("%s to pid %d", SignalName(k.Sig), k.Pid)
}

// validateSend checks a request to send.
func (r *Request) validateSend() error {
	k, ok := r.Arg.(*SignalSend)
	switch {
	case !ok || k == nil:
		return r.wrong("argument %T: want a *SignalSend that is not nil", r.Arg)
	case k.Sig < 0 || k.Sig > MaxSignal:
		return r.wrong("signal %d: want 0 to %d", int(k.Sig), MaxSignal)
	case k.How > SendFDValue:
		return r.wrong("unknown way to send %d", k.How)
	}
	return nil
}
