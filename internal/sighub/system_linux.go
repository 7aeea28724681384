//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package sighub

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Native reports whether signals come with all of siginfo.
const Native = true

// system is how the hub gets at signals: the redirecting handler and a signalfd.
type system struct {
	signals int // the signalfd
	wake    int // an eventfd
	old     [ops.MaxSignal + 1]sigaction
	info    siginfo
}

// keepOpen are the signals that the hub's thread must not block: faults, and
// those that the runtime and the C library send to each thread.
var keepOpen = ops.SignalsOf(unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV,
	unix.SIGURG, unix.SIGPROF, 33)

const carrierSet ops.SignalSet = 1 << (carrier - 1)

// start makes the calling thread the hub's. It blocks all signals that can ever
// be watched, so that nothing has to be arranged with it when a watch opens.
func (s *system) start() (err error) {
	if s.signals, err = signalfd(-1, carrierSet); err != nil {
		return err
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(s.signals)
		return fmt.Errorf("eventfd: %w", err)
	}
	block := ^uint64(keepOpen)
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK,
		uintptr(unsafe.Pointer(&block)), 0, 8, 0, 0)
	if errno != 0 {
		_ = unix.Close(s.signals)
		_ = unix.Close(s.wake)
		return fmt.Errorf("rt_sigprocmask: %w", errno)
	}
	startRelay(unix.Gettid(), s.wake)
	return nil
}

// signalfd makes a signalfd for set, or changes fd to it.
func signalfd(fd int, set ops.SignalSet) (int, error) {
	mask := uint64(set)
	r, _, errno := unix.RawSyscall6(unix.SYS_SIGNALFD4, uintptr(fd), uintptr(unsafe.Pointer(&mask)),
		8, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, 0, 0)
	if errno != 0 {
		return -1, fmt.Errorf("signalfd: %w", errno)
	}
	return int(r), nil
}

// stop undoes start. A handler that is still under way keeps the eventfd open: its
// number must not become another file's.
func (s *system) stop() {
	quiet := stopRelay()
	s.giveBack(ops.SignalSet(^uint64(keepOpen)))
	_ = unix.Close(s.signals)
	if quiet {
		_ = unix.Close(s.wake)
	}
}

func (s *system) install(sig syscall.Signal) (err error) {
	s.old[sig], err = redirect(sig)
	return err
}

func (s *system) uninstall(sig syscall.Signal) { restore(sig, &s.old[sig]) }

// setPassing says whether the handler goes on with the one before it.
func (s *system) setPassing(sig syscall.Signal, on bool) {
	next := uintptr(0)
	if on && s.old[sig].isFunction() {
		next = s.old[sig].handler
	}
	atomic.StoreUintptr(&relay.chain[sig], next)
}

// setReading tells the signalfd which signals to wake the hub for, and wakes it
// for those that wait already. Standard signals that nobody reads must not travel
// as the carrier: they are to stay in the kernel's queue, and to merge there.
func (s *system) setReading(set ops.SignalSet) {
	for sig := range relay.carry[:carrier] {
		relay.carry[sig] = uint8(set >> max(sig-1, 0) & 1) // the handler reads single bytes
	}
	_, _ = signalfd(s.signals, set|carrierSet) // it cannot fail for an open signalfd
}

func (s *system) poke() { _, _ = unix.Write(s.wake, one[:]) }

// wait sleeps until there are signals, or poke was called, or d has passed.
func (s *system) wait(d time.Duration) {
	fds := []unix.PollFd{
		{Fd: int32(s.signals), Events: unix.POLLIN},
		{Fd: int32(s.wake), Events: unix.POLLIN},
	}
	var ts *unix.Timespec
	if d >= 0 {
		t := unix.NsecToTimespec(int64(d))
		ts = &t
	}
	_, _ = unix.Ppoll(fds, ts, nil) // EINTR is as good as any reason to look
	if fds[1].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(s.wake, count[:])
	}
}

// read takes a signal of set that waits at the hub's thread or at the process,
// nil for none. The first kind came through the handler.
func (s *system) read(set ops.SignalSet) *ops.SignalInfo {
	for s.take(set | carrierSet) {
		through := s.arrived()
		sig := s.info.signo()
		if !set.Has(sig) {
			s.park(sig) // it came as the carrier when it still had readers
			continue
		}
		if code := s.info.code(); !through && atomic.LoadUintptr(&relay.chain[sig]) != 0 &&
			uint32(code+codeReach) < 2*codeReach {
			s.handOn(sig, code)
		}
		return s.info.decode()
	}
	return nil
}

// arrived turns what was taken back into what it was. It reports whether it came
// through the handler.
func (s *system) arrived() bool {
	code, via, ok := unmap(s.info.code())
	if !ok {
		return false
	}
	s.info.setCode(code)
	if via != 0 {
		s.info.setInt32(0, int32(via))
	}
	return true
}

// park queues what was taken under its own number, where it stays until somebody
// reads it.
func (s *system) park(sig syscall.Signal) {
	code := s.info.code()
	if uint32(code+codeReach) < 2*codeReach {
		s.info.setCode(code + relayBase)
	}
	s.queue(unix.Gettid(), sig)
}

// queue sends what was taken to a thread of this process.
func (s *system) queue(tid int, sig syscall.Signal) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(os.Getpid()), uintptr(tid),
		uintptr(sig), uintptr(unsafe.Pointer(&s.info)), 0, 0)
}

func (s *system) take(set ops.SignalSet) bool {
	mask := uint64(set)
	var zero unix.Timespec
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&mask)),
		uintptr(unsafe.Pointer(&s.info)), uintptr(unsafe.Pointer(&zero)), 8, 0, 0)
	return errno == 0 // EAGAIN: none
}

// handOn gives a signal that the hub took before any handler saw it to the
// handler before ours, on the main thread, where it cannot be taken again.
func (s *system) handOn(sig syscall.Signal, code int32) {
	s.info.setCode(code + passBase)
	s.queue(os.Getpid(), sig)
	s.info.setCode(code)
}

// losses returns how many signals of this number were lost since the program
// started.
func (s *system) losses(sig syscall.Signal) uint64 { return atomic.LoadUint64(&relay.lost[sig]) }

// giveBack sends signals of set that wait at the hub's thread to the process. It
// leaves alone those that wait at the process itself.
func (s *system) giveBack(set ops.SignalSet) {
	for range 1 << 20 { // others may keep sending to the thread
		late := waitingHere() & (set | carrierSet)
		if late == 0 || !s.take(late) {
			return
		}
		s.arrived()
		sig, code := s.info.signo(), s.info.code()
		if !set.Has(sig) {
			s.park(sig)
			continue
		}
		if code >= 0 || code == siTkill {
			s.info.setCode(siQueue) // only the kernel may use those
		}
		_, _, _ = unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(os.Getpid()),
			uintptr(sig), uintptr(unsafe.Pointer(&s.info)))
	}
}

// waitingHere returns the signals that wait at the calling thread: what
// sigpending(2) reports without those that wait at the process.
func waitingHere() (set ops.SignalSet) {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return 0 // without /proc a signal in the very moment of Close can be lost
	}
	_, rest, _ := strings.Cut(string(text), "\nSigPnd:")
	_, _ = fmt.Sscanf(rest, "%x", &set)
	return set
}
