package ring

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// timerfd is the kernel's clockSource: see timerfd_create(2).
type timerfd struct {
	which int32
	file  int
}

func newTimerfd(which ops.Clock) (clockSource, error) {
	id := unix.CLOCK_BOOTTIME
	if which == ops.Realtime {
		id = unix.CLOCK_REALTIME
	}
	fd, err := unix.TimerfdCreate(id, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create for the %v clock: %w", which, err)
	}
	return &timerfd{which: int32(id), file: fd}, nil
}

func (f *timerfd) now() ops.Instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(f.which, &ts) // it exists
	return ops.Instant(ts.Nano())
}

// farOff is later than anything, yet within the kernel's reach (trap 39).
const farOff = ops.Instant(1 << 62)

func (f *timerfd) set(when ops.Instant, watch bool) bool {
	flags := unix.TFD_TIMER_ABSTIME
	if watch {
		flags |= unix.TFD_TIMER_CANCEL_ON_SET
	}
	// Zero would disarm it.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(min(max(when, 1), farOff)))}
	// ECANCELED: it has set the timer and, since that rings no more for it, tells
	// of a change of the clock.
	return unix.TimerfdSettime(f.file, flags, &spec, nil) == syscall.ECANCELED
}

func (f *timerfd) rang() bool {
	var count [8]byte
	_, err := unix.Read(f.file, count[:])
	// EAGAIN: it was not readable.
	return err == syscall.ECANCELED
}

func (f *timerfd) fd() int { return f.file }

func (f *timerfd) close() error { return unix.Close(f.file) }
