package interrupt

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Default is the signal that is used unless UseNumber names another: the third highest
// real-time signal. The highest ones are popular with debuggers.
const Default = syscall.Signal(62)

// The real-time signals that are free for all: below are two that Go's runtime
// and C libraries keep for themselves.
const (
	firstRealTime = syscall.Signal(35)
	lastRealTime  = syscall.Signal(64)
)

var (
	choice    atomic.Int32 // the signal, 0 for Default
	installed atomic.Bool
	installMu sync.Mutex // held while the choice changes or the handler is installed
)

// Signal returns the signal that is reserved.
func Signal() syscall.Signal {
	if s := choice.Load(); s != 0 {
		return syscall.Signal(s)
	}
	return Default
}

// UseNumber reserves another signal instead of Default. It fails for one that is
// not a free real-time one, and once a Call has been interrupted.
func UseNumber(number int) error {
	sig := syscall.Signal(number)
	if sig < firstRealTime || sig > lastRealTime {
		return ops.Invalid("interrupt signal %d: want a real-time signal, %d to %d", number, int(firstRealTime), int(lastRealTime))
	}
	installMu.Lock()
	defer installMu.Unlock()
	if installed.Load() && sig != Signal() {
		return fmt.Errorf("interrupt signal %d: %w: signal %d is in use", int(sig), ops.ErrBusy, int(Signal()))
	}
	choice.Store(int32(sig))
	return nil
}

// install gives the signal its handler.
func install() {
	installMu.Lock()
	defer installMu.Unlock()
	if err := setHandler(Signal()); err != nil {
		// rt_sigaction cannot fail with these arguments.
		panic(fmt.Sprintf("install the handler of signal %d: %v", int(Signal()), err))
	}
	installed.Store(true)
}

// open lets the signal through on this thread: a parent process may have blocked
// it for all of its descendants.
func open(before *unix.Sigset_t) {
	var set unix.Sigset_t
	addSignal(&set, Signal())
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, before)
}

// restore undoes open, where it had an effect.
func restore(before *unix.Sigset_t) {
	var set unix.Sigset_t
	addSignal(&set, Signal())
	for i := range set.Val {
		if before.Val[i]&set.Val[i] != 0 {
			_ = unix.PthreadSigmask(unix.SIG_SETMASK, before, nil)
		}
	}
}

func addSignal(set *unix.Sigset_t, sig syscall.Signal) {
	const bits = 32 << (^uint(0) >> 63)
	n := uint(sig) - 1
	set.Val[n/bits] |= 1 << (n % bits)
}
