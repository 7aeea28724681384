package signals

import (
	"syscall"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/ops"
)

// Info says all about one signal: its number, where it comes from, who sent it,
// and the value that came with it. It is the kernel's siginfo_t.
type Info = ops.SignalInfo

// Values of Info.Code, see sigaction(2). SIGCHLD has CLD codes, 1 to 6, and
// signals about descriptors have POLL codes, 1 to 6.
const (
	ByKill    = 0    // SI_USER: kill(2)
	ByKernel  = 0x80 // SI_KERNEL: the kernel, such as SIGINT from a terminal
	ByQueue   = -1   // SI_QUEUE: sigqueue(3), with a value
	ByTimer   = -2   // SI_TIMER: timer_create(2)
	ByMessage = -3   // SI_MESGQ: mq_notify(3)
	ByAIO     = -4   // SI_ASYNCIO: POSIX asynchronous I/O
	ByIO      = -5   // SI_SIGIO: a queued SIGIO
	ByThread  = -6   // SI_TKILL: tgkill(2); glibc's sigwaitinfo makes SI_USER of it
)

// RTMin and RTMax bound the real-time signals, as the C libraries have them.
// Those below RTMax are for the program's own use.
const (
	RTMin syscall.Signal = 34
	RTMax syscall.Signal = ops.MaxSignal
)

// Watch returns a request that yields a completion for each of sigs that
// arrives, until it is cancelled. Of gives what the signal says; the completion's
// Tag and Priority are the request's.
//
// From Submit to the terminal completion the signals have no other effect:
// neither their default action, nor that of os/signal. Any number of watches, on
// any number of Rings, may be open for a signal; each gets every one. After the
// last has ended, what was installed before is back in force. Signals that came
// before Cancel are still delivered ahead of the terminal completion, which is
// ErrCanceled, or ErrTimeout or ErrClosed.
//
// A completion that fails with ErrLost, and has More set, says that signals were
// lost because RLIMIT_SIGPENDING was reached, and Info.Lost how many.
//
// Standard signals merge while one of the same number is pending, as ever;
// real-time signals do not. Two signals of the same number may be delivered in
// another order than they were sent in: several threads take them.
//
// SIGKILL and SIGSTOP, and the signals that the Go runtime or the C library lives
// on, are refused with ErrInvalid: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
// SIGURG, SIGPROF, 32 and 33; so is the one that calls are interrupted with (62, or
// that of fallback.InterruptSignal), and an empty list. Watches cannot be part of a
// chain.
//
// Native on amd64 and arm64, from any kernel that a Ring runs on (signalfd(2),
// rt_sigaction(2)). On other architectures it goes through os/signal: Info has the
// number alone, real-time signals of the same number may merge, losses are not
// noticed, and SIGSTKFLT, SIGSYS and 34 fail with EOPNOTSUPP.
func Watch(sigs ...syscall.Signal) ops.Request {
	r := Once(sigs...)
	if r.Code == ops.CodeSignal {
		r.Mode = ops.Multishot
	}
	return r
}

// Once returns a request that completes with the first of sigs that arrives.
// With WithTimeout it is sigtimedwait(2). Unlike with Watch, signals have their
// old effect again as soon as it has completed: between two such requests a
// SIGTERM would end the program. See Hold.
func Once(sigs ...syscall.Signal) ops.Request {
	for _, sig := range sigs {
		if sig < 1 || sig > ops.MaxSignal {
			return refuse(ops.CodeSignal, "signal %d: want 1 to %d", int(sig), ops.MaxSignal)
		}
		if interrupt.Supported && sig == interrupt.Signal() {
			return refuse(ops.CodeSignal, "%s cannot be watched: calls and locks that block are interrupted with it; "+
				"fallback.InterruptSignal reserves another", ops.SignalName(sig))
		}
	}
	return ops.Request{Code: ops.CodeSignal, FD: -1, Arg: ops.SignalsOf(sigs...)}
}

// PassOn returns a copy of r, a request of Watch or Once, that hands each signal
// on to the handler that it was taken from as well: os/signal's, so that Notify
// goes on working. Where nobody has called Notify, Go's handler does what it does
// then: SIGTERM ends the program. A default action or SIG_IGN is no handler, and
// nothing is handed on to it; this concerns SIGTSTP, SIGTTIN, SIGTTOU and SIGCONT
// if Notify was not called before the watch was opened.
func PassOn(r ops.Request) ops.Request {
	r.Flags |= ops.SignalPassOn
	return r
}

// Of returns what a completion of a watch says about its signal: nil for
// completions of other requests, and if no signal came.
func Of(c *ops.Completion) *Info {
	if c.Code != ops.CodeSignal {
		return nil
	}
	info, _ := c.Arg.(*Info)
	return info
}

func refuse(code ops.Code, format string, args ...any) ops.Request {
	return ops.Request{Code: ops.CodeInvalid, Arg: &ops.Error{Code: code, Err: ops.Invalid(format, args...)}}
}

// ErrLost is ops.ErrSignalsLost.
var ErrLost = ops.ErrSignalsLost
