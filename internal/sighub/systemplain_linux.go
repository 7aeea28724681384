//go:build linux && ((!amd64 && !arm64) || sluice_plainsignals)

package sighub

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Native reports whether signals come with all of siginfo. Here they do not:
// without the handler in assembly, signals come from os/signal. The build tag
// sluice_plainsignals chooses this on every architecture, for tests.
const Native = false

// system is how the hub gets at signals: os/signal, which tells the number only,
// merges real-time signals while it is busy, and loses them without notice.
// Default actions are taken away for as long as a watch is open, and os/signal
// always has the signals as well.
type system struct {
	taken [ops.MaxSignal + 1]chan os.Signal
	woken chan struct{}  // holds one value
	ready chan os.Signal // signals on their way from any of taken
	ends  [ops.MaxSignal + 1]chan struct{}
	next  os.Signal // received by wait, for read
	plan  plan
}

// plan says which signals to take.
type plan struct {
	reading ops.SignalSet
	look    bool // not used here
}

func quiesce() bool { return true }

func awaitHandlers() {}

func (s *system) start() error {
	s.woken = make(chan struct{}, 1)
	s.ready = make(chan os.Signal, 1024)
	return nil
}

func (s *system) stop() {}

// install forwards sig to ready until uninstall. Three signals can be watched with
// the handler only: the runtime does not give them to os/signal.
func (s *system) install(sig syscall.Signal) error {
	if sig == unix.SIGSYS || sig == 16 || sig == 34 { // 16 is SIGSTKFLT on most
		return unix.EOPNOTSUPP
	}
	taken, end, ready := make(chan os.Signal, 1024), make(chan struct{}), s.ready
	s.taken[sig], s.ends[sig] = taken, end
	signal.Notify(taken, sig)
	go func() {
		for {
			select {
			case v := <-taken:
				ready <- v
			case <-end:
				for len(taken) != 0 {
					ready <- <-taken
				}
				return
			}
		}
	}()
	return nil
}

func (s *system) uninstall(sig syscall.Signal) {
	signal.Stop(s.taken[sig])
	close(s.ends[sig])
}

func (*system) setPassing(syscall.Signal, bool) {}

func (s *system) setReading(set ops.SignalSet) {
	s.plan.reading = set
	s.poke()
}

func (s *system) poke() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *system) wait(d time.Duration) {
	var after <-chan time.Time
	if d >= 0 {
		after = time.After(d)
	}
	select {
	case s.next = <-s.ready:
	case <-s.woken:
	case <-after:
	}
}

// read returns the next signal that has come, nil for none.
func (s *system) read(*plan) *ops.SignalInfo {
	next := s.next
	s.next = nil
	if next == nil {
		select {
		case next = <-s.ready:
		default:
			return nil
		}
	}
	return &ops.SignalInfo{Signo: next.(syscall.Signal)}
}

// park drops a signal that nobody reads any more.
func (*system) park(syscall.Signal) {}

func (*system) losses(syscall.Signal) uint64 { return 0 }

func (*system) giveBack(ops.SignalSet) {}
