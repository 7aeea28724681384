//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package sighub

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// si_code values between -codeReach and codeReach are moved by relayBase on their
// way to the hub, which makes them negative, as the kernel demands. The kernel
// uses -60 to 0x80. Above the lower viaShift bits is the number of a signal that
// travels as the carrier, else 0.
const (
	codeReach = 1 << (viaShift - 1)
	relayBase = -0x60000000
	viaShift  = 23
)

// carrier is the signal as which some travel from the handler to the hub:
//
// standard signals that the hub reads, since it is a real-time signal, and
// queues: on this way nothing merges that the kernel has not merged before;
//
// signals that are passed on, since only the handler can do that, and so the hub
// must not take them before it.
//
// It is what glibc cancels threads with: nobody sends it to this thread, or to the
// process as a whole.
const carrier = 32

// unmap splits a si_code of the handler's into the original one and the signal
// that it came for, 0 for the one that it came as. It reports false for others.
func unmap(code int32) (original int32, via syscall.Signal, ok bool) {
	at := uint32(code-relayBase) + codeReach
	if at >= (ops.MaxSignal+1)<<viaShift {
		return code, 0, false
	}
	return int32(at&(1<<viaShift-1)) - codeReach, syscall.Signal(at >> viaShift), true
}

// relayState is what the handler works with. The hub writes it; the handler reads
// it from any thread, at any time, and adds to busy and lost.
type relayState struct {
	pid  int32 // this process
	hub  int32 // the hub's thread, 0 for none
	wake int32 // an eventfd that wakes the hub, -1 for none
	// strayed is set when a signal goes under its own number that should have
	// been carried: the kernel was short of room, or its si_code is out of reach.
	strayed int32
	busy    int64                      // handlers under way
	lost    [ops.MaxSignal + 1]uint64  // signals that the kernel refused to queue
	chain   [ops.MaxSignal + 1]uintptr // the handler to go on with, 0 for none
	carry   [ops.MaxSignal + 1]uint8   // 1 for signals that travel as the carrier
}

var (
	relay relayState
	one   = [8]byte{1} // what the handler writes to the eventfd: little-endian
	//lint:ignore U1000 the handler gives its address to the kernel
	defaultAction sigaction
)

// handlerPC returns the address of the handler. Implemented in assembly.
func handlerPC() uintptr

// sigaction is the kernel's struct sigaction (rt_sigaction(2)).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSiginfo  = 0x4
	saRestorer = 0x4000000
	saOnStack  = 0x8000000
	saRestart  = 0x10000000
)

func setAction(sig syscall.Signal, act, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %s: %w", ops.SignalName(sig), errno)
	}
	return nil
}

// redirect installs the handler for sig and returns what was there.
func redirect(sig syscall.Signal) (old sigaction, err error) {
	act := sigaction{
		handler: handlerPC(),
		// As Go's own handlers: on the thread's signal stack, which goroutine
		// stacks are too small for, and without disturbing system calls.
		flags: saSiginfo | saOnStack | saRestart,
		mask:  ^uint64(0),
	}
	if restorer := restorerPC(); restorer != 0 {
		act.flags |= saRestorer
		act.restorer = restorer
	}
	return old, setAction(sig, &act, &old)
}

// restore puts old back, unless somebody has replaced our handler meanwhile.
func restore(sig syscall.Signal, old *sigaction) {
	var now sigaction
	if setAction(sig, nil, &now) == nil && now.handler == handlerPC() {
		_ = setAction(sig, old, nil) // it was accepted before
	}
}

// isFunction reports whether a is a handler, not SIG_DFL or SIG_IGN.
func (a *sigaction) isFunction() bool { return a.handler > 1 && a.handler != handlerPC() }

// quiesce waits until no handler is under way, for at most a time that none
// needs. A thread that the kernel has sent into the handler but that has not run
// an instruction of it yet goes unnoticed: awaitHandlers finds it, and Hub.sweep
// sees to what it brings.
func quiesce() bool {
	for i := range 200 {
		if atomic.LoadInt64(&relay.busy) == 0 {
			return true
		}
		if i > 20 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	return false
}

func startRelay(tid, wake int) {
	relay.pid = int32(os.Getpid())
	atomic.StoreInt32(&relay.wake, int32(wake))
	atomic.StoreInt32(&relay.hub, int32(tid))
}

// stopRelay makes late handlers give their signals to the handlers that have been
// restored. It reports whether the eventfd can be closed.
func stopRelay() bool {
	atomic.StoreInt32(&relay.hub, 0)
	atomic.StoreInt32(&relay.wake, -1)
	return quiesce()
}
