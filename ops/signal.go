package ops

import (
	"fmt"
	"math/bits"
	"strings"
	"syscall"
	"time"
)

// SignalSet is a set of signals: the argument of the requests of package signals
// that watch for them. Bit n-1 stands for signal n, as in the kernel's sigset_t.
type SignalSet uint64

// MaxSignal is the highest signal number, SIGRTMAX (signal(7)).
const MaxSignal = 64

// SignalPassOn as flag of a CodeSignal request hands each signal to the handler
// that was installed before as well.
const SignalPassOn = 1

// SignalsOf returns the set of the given signals. Numbers outside 1 to MaxSignal
// are no signals and are left out; signals.Watch refuses them.
func SignalsOf(sigs ...syscall.Signal) (s SignalSet) {
	for _, sig := range sigs {
		if sig >= 1 && sig <= MaxSignal {
			s |= 1 << (sig - 1)
		}
	}
	return s
}

// Has reports whether sig is in the set.
func (s SignalSet) Has(sig syscall.Signal) bool { return s&SignalsOf(sig) != 0 }

// All yields the signals of the set in ascending order.
func (s SignalSet) All(yield func(syscall.Signal) bool) {
	for rest := uint64(s); rest != 0; rest &= rest - 1 {
		if !yield(syscall.Signal(bits.TrailingZeros64(rest) + 1)) {
			return
		}
	}
}

// String returns the names of the signals, such as "SIGINT|SIGTERM", and "none"
// for the empty set.
func (s SignalSet) String() string {
	if s == 0 {
		return "none"
	}
	var names []string
	for sig := range s.All {
		names = append(names, SignalName(sig))
	}
	return strings.Join(names, "|")
}

// SignalName returns the name of sig: SIGTERM, SIGRTMIN+3. Real-time signals are
// counted from 34, which the C libraries call SIGRTMIN. What has no name becomes
// "signal 32".
func SignalName(sig syscall.Signal) string {
	if name := signalName(sig); name != "" {
		return name
	}
	switch {
	case sig == 34:
		return "SIGRTMIN"
	case sig > 34 && sig <= MaxSignal:
		return fmt.Sprintf("SIGRTMIN+%d", int(sig)-34)
	}
	return fmt.Sprintf("signal %d", int(sig))
}

// SignalInfo says all that the kernel knows about one signal: its siginfo_t,
// see sigaction(2). Which fields below Code have a meaning depends on Code; the
// others are zero. A SignalInfo that a completion brought may be shared by the
// completions of several watches, and is not to be changed.
type SignalInfo struct {
	Signo syscall.Signal
	// Code tells where the signal comes from: 0 (SI_USER) from kill(2), -1
	// (SI_QUEUE) from sigqueue(3), -6 (SI_TKILL) from tgkill(2), -2 (SI_TIMER),
	// 0x80 (SI_KERNEL), or for SIGCHLD and SIGIO the CLD and POLL codes.
	Code  int32
	Errno int32 // almost always 0

	Pid int32  // the sender's process, or the child's; 0 from outside the pid namespace
	UID uint32 // its real user

	// Value is what the sender attached: 8 bytes, of which C programs often set
	// the lower 4 alone (see Int). With SI_QUEUE, SI_TIMER and SI_MESGQ.
	Value uint64

	Status     int32  // SIGCHLD: exit status, or signal, as Code says
	UserTime   int64  // SIGCHLD: the child's user time in clock ticks of 10 ms
	SystemTime int64  // SIGCHLD: its system time in clock ticks of 10 ms
	Timer      int32  // SI_TIMER: the kernel's number of the timer
	Overrun    int32  // SI_TIMER: how many more times it expired (timer_getoverrun(2))
	FD         int32  // SIGIO and F_SETSIG: the descriptor that is ready
	Band       int64  // SIGIO and F_SETSIG: its poll(2) events
	Lost       uint64 // of a completion that failed with ErrSignalsLost: how many
}

// Int returns the value as a C program sets it with sival_int.
func (i *SignalInfo) Int() int { return int(int32(i.Value)) }

// String describes the signal in a line: name, origin and sender.
func (i *SignalInfo) String() string {
	name := SignalName(i.Signo)
	if i.Lost != 0 {
		return fmt.Sprintf("%s: %d lost", name, i.Lost)
	}
	switch {
	case i.Code == codeTimer:
		return fmt.Sprintf("%s from timer %d", name, i.Timer)
	case i.Code == codeKernel:
		return name + " from the kernel"
	case i.Code > 0 && i.Pid == 0 && i.Band != 0:
		return fmt.Sprintf("%s about fd %d", name, i.FD)
	case i.Code == codeQueue:
		return fmt.Sprintf("%s from pid %d, uid %d, value %d", name, i.Pid, i.UID, i.Value)
	}
	return fmt.Sprintf("%s from pid %d, uid %d", name, i.Pid, i.UID)
}

const (
	codeQueue  = -1
	codeTimer  = -2
	codeKernel = 0x80
)

// validateSignal checks a watch.
func (r *Request) validateSignal() error {
	set, ok := r.Arg.(SignalSet)
	switch {
	case !ok:
		return r.wrong("argument %T: want a SignalSet", r.Arg)
	case set == 0:
		return r.wrong("the set of signals is empty")
	case r.Flags&^SignalPassOn != 0:
		return r.wrong("flags %#x: want SignalPassOn or 0", r.Flags)
	case r.Mode&Multishot != 0 && r.Link != Unlinked:
		return r.wrong("a multishot request has no single end for another to wait for")
	}
	for sig := range set.All {
		if why := refusedSignals[sig]; why != "" {
			return r.wrong("%s cannot be watched: %s", SignalName(sig), why)
		}
	}
	return nil
}

// Ticks converts clock ticks, the unit of SignalInfo.UserTime, to a Duration.
func Ticks(n int64) time.Duration { return time.Duration(n) * 10 * time.Millisecond }
