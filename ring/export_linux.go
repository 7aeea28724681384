package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// export is what makes a Ring an event source for others: an epoll descriptor,
// which is readable while a Wait would find something. In it are an eventfd, to
// which the kernel writes for each completion and the Ring for those of its own,
// and a timerfd for the next timer.
type export struct {
	epoll, event, timer int
	due                 ops.Instant // what the timerfd is set to
}

// FD returns a descriptor that is readable when Wait has something to do: a
// completion to deliver, a timer to fire, a Wake to report, and on a pinned Ring what
// others have submitted to start. Use it to wait for the Ring in another event loop or
// on another Ring, then call Wait with a timeout of 0. It is level-triggered, may be
// readable for nothing, and belongs to the Ring, which closes it in Close. It costs
// three descriptors, and a few system calls in each Wait from the first FD on.
//
// Only the owner of a pinned Ring may make the first call; others get
// ErrWrongThread. Before Linux 5.18 it waits until no request is in flight: make it
// before there is one. It fails with ErrClosed, and where descriptors are short.
func (r *Ring) FD() (int, error) {
	r.mu.Lock()
	defer r.unlock()
	switch {
	case r.closing:
		return -1, r.errClosed("fd")
	case r.export != nil:
		return r.export.epoll, nil
	case r.cfg.Pinned && !r.owner.isCaller():
		return -1, fmt.Errorf("fd: %w", ops.ErrWrongThread)
	}
	e, err := newExport()
	if err == nil {
		if err = r.u.RegisterEventFD(int32(e.event), false); err != nil {
			err = errors.Join(err, e.close())
		}
	}
	if err != nil {
		return -1, fmt.Errorf("fd: %w", err)
	}
	if r.u.Emulated() {
		// Readiness is no completion yet, but to be made one by Wait.
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(r.u.FD())}
		if err := unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, r.u.FD(), &event); err != nil {
			return -1, fmt.Errorf("fd: epoll_ctl: %w", errors.Join(err, r.u.UnregisterEventFD(), e.close()))
		}
	}
	r.export = e
	e.signal() // there may be something already
	e.schedule(r.nextTimer())
	return e.epoll, nil
}

func newExport() (e *export, err error) {
	e = &export{epoll: -1, event: -1, timer: -1, due: ops.Never}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if e.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if e.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	for _, fd := range []int{e.event, e.timer} {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err = unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return nil, fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	return e, nil
}

// signal makes the descriptor readable.
func (e *export) signal() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(e.event, one[:]) // EAGAIN: readable for a long time
}

// rouseOwner sees to it that the owner of a pinned Ring looks again, in Wait or where it
// waits for FD.
func (r *Ring) rouseOwner() {
	r.owner.rouse()
	if r.export != nil && !r.closed && !r.owner.isCaller() {
		r.export.signal()
	}
}

// quiet makes it unreadable, until signal, a completion or the timer.
func (e *export) quiet() {
	var count [8]byte
	_, _ = unix.Read(e.event, count[:]) // EAGAIN: it was not readable
}

// schedule sets the timer.
func (e *export) schedule(due ops.Instant) {
	if due == e.due {
		return
	}
	e.due = due
	var spec unix.ItimerSpec
	if due != ops.Never {
		// Zero would disarm it, so what is due now is due in a nanosecond.
		spec.Value = unix.NsecToTimespec(int64(max(due.Sub(ops.Now()), time.Nanosecond)))
	}
	_ = unix.TimerfdSettime(e.timer, 0, &spec, nil) // its arguments are valid
}

// settleExport leaves the descriptor readable for what a Wait has left.
func (r *Ring) settleExport() {
	if r.closed {
		return
	}
	r.export.quiet()
	r.renewExport()
	// Only now: a completion that comes after this look makes it readable. The
	// flag for task work can be stale, so it is not enough by itself.
	if r.cfg.Pinned && r.u.SQ.TaskRun() {
		r.enterOwned(0, 0, ops.Never, ops.Never)
	}
	if r.ready.Len() != 0 || len(r.idle) != 0 || r.woken || r.u.CQ.Ready() != 0 || r.u.SQ.Overflowed() {
		r.export.signal()
	}
	r.export.due = 0 // one that has expired must be set again, or it stays readable
	r.export.schedule(r.nextTimer())
}

// renewExport registers the eventfd of a pinned Ring anew, for which the kernel then
// keeps new books. Linux 6.12 signals the first completion that a timer's interrupt
// brings, marks that it has put the signal off, and never takes the mark away: all
// later ones would go unnoticed. That is so with DEFER_TASKRUN; kernels that have it do
// not wait for all requests to end when an eventfd is registered, as they do before 5.18.
func (r *Ring) renewExport() {
	if r.u.Flags()&uring.SetupDeferTaskRun == 0 {
		return
	}
	_ = r.u.UnregisterEventFD() // it was registered
	if r.u.RegisterEventFD(int32(r.export.event), false) != nil {
		r.export.signal() // ENOMEM: the next Wait tries again
	}
}

func (e *export) close() (err error) {
	for _, fd := range []int{e.epoll, e.event, e.timer} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}
