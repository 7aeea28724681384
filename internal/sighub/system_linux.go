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

// Native reports whether signals come with all of siginfo.
const Native = true

// system is how the hub gets at signals: the redirecting handler and a signalfd.
type system struct {
	signals int // the signalfd
	wake    int // an eventfd
	old     [ops.MaxSignal + 1]sigaction
	plan    plan              // guarded by Hub.mu
	info    siginfo           // of the hub's goroutine, as the next
	kept    []*ops.SignalInfo // taken, to be read
}

// plan says which signals to take, and where.
type plan struct {
	reading ops.SignalSet // those that have readers
	passing ops.SignalSet // those that are passed on: only the handler may take them
	look    bool          // some of both may wait at the thread all the same
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
	s.plan.passing &^= ops.SignalsOf(sig)
	if on && s.old[sig].isFunction() {
		next = s.old[sig].handler
		s.plan.passing |= ops.SignalsOf(sig)
	}
	atomic.StoreUintptr(&relay.chain[sig], next)
	s.apply()
}

// setReading says which signals have readers.
func (s *system) setReading(set ops.SignalSet) {
	s.plan.reading = set
	s.apply()
}

// apply tells the handler which signals are to travel as the carrier. Those that
// nobody reads must not: they are to stay in the kernel's queue, each under its own
// number, and to merge there. It tells the signalfd which signals to wake the hub
// for, and wakes it for those that wait already.
func (s *system) apply() {
	p := &s.plan
	p.look = p.passing&p.reading != 0
	for sig := syscall.Signal(1); sig <= ops.MaxSignal; sig++ {
		carried := p.reading.Has(sig) && (sig < carrier || p.passing.Has(sig))
		// One store: the handler may look at any time, and what it sent under its
		// own number in between would merge with others.
		var carry uint8
		if carried {
			carry = 1
		}
		relay.carry[sig] = carry
	}
	_, _ = signalfd(s.signals, p.direct()) // it cannot fail for an open signalfd
}

// direct returns the signals that the hub takes, wherever they wait.
func (p *plan) direct() ops.SignalSet { return p.reading&^p.passing | carrierSet }

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

// read takes a signal that p wants, or one that came as the carrier; nil for none.
func (s *system) read(p *plan) *ops.SignalInfo {
	if len(s.kept) != 0 {
		info := s.kept[0]
		s.kept = s.kept[1:]
		return info
	}
	if !s.take(p.direct()) && !s.takeHere(p) {
		return nil
	}
	s.arrived()
	return s.info.decode()
}

// takeHere takes a signal that is passed on, and waits at the thread since before
// it was.
func (s *system) takeHere(p *plan) bool {
	if atomic.SwapInt32(&relay.strayed, 0) != 0 {
		p.look = true
	}
	if !p.look {
		return false
	}
	set := waitingHere() & p.reading & p.passing
	p.look = set != 0
	return p.look && s.take(set)
}

// take reads a signal of set into info.
func (s *system) take(set ops.SignalSet) bool {
	mask := uint64(set)
	var zero unix.Timespec
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&mask)),
		uintptr(unsafe.Pointer(&s.info)), uintptr(unsafe.Pointer(&zero)), 8, 0, 0)
	return errno == 0 // EAGAIN: none
}

// arrived turns what was taken back into what it was, if it came through the
// handler.
func (s *system) arrived() {
	code, via, ok := unmap(s.info.code())
	if !ok {
		return
	}
	s.info.setCode(code)
	if via != 0 {
		s.info.setInt32(0, int32(via))
	}
}

// park queues what was taken last at the thread, under its own number, where it stays
// until somebody reads it.
func (s *system) park(sig syscall.Signal) {
	code := s.info.code()
	if uint32(code+codeReach) < 2*codeReach {
		s.info.setCode(code + relayBase)
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(os.Getpid()), uintptr(unix.Gettid()),
		uintptr(sig), uintptr(unsafe.Pointer(&s.info)), 0, 0)
}

// losses returns how many signals of this number were lost since the program
// started.
func (s *system) losses(sig syscall.Signal) uint64 { return atomic.LoadUint64(&relay.lost[sig]) }

// giveBack sends signals of set that wait at the hub's thread to the process. It
// leaves alone those that wait at the process itself, and keeps others that are read.
// It is called with Hub.mu held.
func (s *system) giveBack(set ops.SignalSet) {
	for range 1 << 20 { // others may keep sending to the thread
		late := waitingHere() & (set | carrierSet)
		if late == 0 || !s.take(late) {
			return
		}
		s.arrived()
		sig, code := s.info.signo(), s.info.code()
		if !set.Has(sig) {
			if s.plan.reading.Has(sig) {
				s.kept = append(s.kept, s.info.decode()) // parked, they would merge
			} else {
				s.park(sig)
			}
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
// sigpending(2) reports without those that wait at the process. Without /proc, a
// signal that comes in the very moment in which a watch ends can be lost.
func waitingHere() ops.SignalSet { return statusOf("/proc/thread-self/status").mask("SigPnd") }
