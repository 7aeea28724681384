package portable

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// The events of epoll that stand for each direction. ERR and HUP always count.
const (
	inEvents  = unix.EPOLLIN | unix.EPOLLRDHUP
	outEvents = unix.EPOLLOUT
	ends      = unix.EPOLLERR | unix.EPOLLHUP

	// pollable are those that poll(2) and epoll have in common.
	pollable = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLMSG |
		unix.EPOLLRDNORM | unix.EPOLLRDBAND | unix.EPOLLWRNORM | unix.EPOLLWRBAND
)

// registration is a descriptor number, and what epoll knows of it.
type registration struct {
	fd    int32
	gen   uint32 // of what epoll knows; events of others are dropped
	mask  uint32 // events that epoll was asked for, 0 while it knows nothing
	swept bool   // it is in sweeper.regs
	ended bool   // epoll has reported an end or an error: perhaps nothing more comes in
	busy  int    // calls with workers that use the number itself

	accepter *request // the accept that is with a worker, while others wait: see workAccept

	in, out list // who waits to read and to write, in order
	others  list // polls, and calls whose wait says nothing about others
	closers list // closes that wait until busy is 0
}

// registration returns that of fd.
func (e *Engine) registration(fd int32) *registration {
	for int(fd) >= len(e.regs) {
		e.regs = append(e.regs, make([]*registration, max(64, int(fd)+1-len(e.regs)))...)
	}
	reg := e.regs[fd]
	if reg == nil {
		reg = &registration{fd: fd}
		e.regs[fd] = reg
	}
	return reg
}

// forget notes that fd, which the kernel has just given out, is another file than
// before. Whoever waits for that does so in vain: it was closed behind the Engine's
// back.
func (e *Engine) forget(fd int32) {
	if fd < 0 || int(fd) >= len(e.regs) || e.regs[fd] == nil {
		return
	}
	reg := e.regs[fd]
	reg.mask, reg.accepter = 0, nil
	reg.gen++
	e.disown(reg, 0)
}

// lists are those of who waits for reg.
func (reg *registration) lists() [3]*list { return [3]*list{&reg.in, &reg.out, &reg.others} }

// disown ends those who wait for reg and have all of marks.
func (e *Engine) disown(reg *registration, marks mark) {
	for _, l := range reg.lists() {
		for q := l.first; q != nil; {
			next := q.next
			if q.marks&marks == marks {
				e.leave(q)
				e.end(q, ebadf, 0)
			}
			q = next
		}
	}
}

// await has q wait until fd may be ready. It reports false if q has ended, or gone
// elsewhere, instead.
func (e *Engine) await(q *request, fd int32, events uint32, front bool) bool {
	if fd < 0 {
		e.end(q, ebadf, 0)
		return false
	}
	reg := e.registration(fd)
	fresh, errno := e.enroll(reg, events)
	switch errno {
	case 0:
	case syscall.EBADF:
		e.end(q, ebadf, 0)
		return false
	default:
		// EPERM: a file that is always ready. ENOMEM, ENOSPC: epoll is short of
		// memory, or over fs.epoll.max_user_watches; a worker needs neither.
		e.work(q)
		return false
	}
	if reg.ended && receives(q) {
		// A datagram socket that was shut down says EAGAIN to a call that does not
		// wait, and to one that does that it is at its end.
		if pollNow(fd, unix.EPOLLRDHUP)&unix.EPOLLRDHUP != 0 {
			e.work(q)
			return false
		}
		reg.ended = false
	}
	l := reg.listFor(q, events)
	e.join(q, reg, l, fresh, front)
	return true
}

// receives reports whether q receives from a socket.
func receives(q *request) bool {
	op := q.call.SQE.Opcode
	return op == uring.OpRecv || op == uring.OpRecvmsg
}

// listFor returns the list for q: in and out are for those of whom none can go on
// when the one before it could not.
func (reg *registration) listFor(q *request, events uint32) *list {
	switch {
	case !plain(q):
		q.events = events
		return &reg.others
	case events == outEvents:
		return &reg.out
	}
	return &reg.in
}

// join puts q into a list of reg.
func (e *Engine) join(q *request, reg *registration, l *list, fresh, front bool) {
	q.reg, q.list = reg, l
	q.state = waiting
	e.expected++
	if fresh {
		q.marks |= verified
	} else if q.marks&verified == 0 {
		if q.period == 0 {
			q.period = e.sweeps.period
		}
		e.sweeps.add(e, reg)
	}
	if front {
		l.pushFront(q)
	} else {
		l.push(q)
	}
	e.expose(q)
}

// expose makes q findable by its user data.
func (e *Engine) expose(q *request) {
	if q.marks&findable == 0 {
		q.marks |= findable
		e.table.add(q)
	}
}

// enroll sees to it that epoll reports events of reg. fresh tells that epoll was
// asked just now, so that it knows the file for certain and reports what is ready.
func (e *Engine) enroll(reg *registration, events uint32) (fresh bool, errno syscall.Errno) {
	if reg.mask&events == events {
		return false, 0
	}
	if reg.mask != 0 {
		switch errno = e.control(unix.EPOLL_CTL_MOD, reg, reg.mask|events); errno {
		case 0:
			reg.mask |= events
			return true, 0
		case syscall.ENOENT:
			// The file has been closed, and the number is another's (trap 30).
			reg.mask, reg.accepter = 0, nil
			reg.gen++
			e.disown(reg, verified)
		default:
			return false, errno
		}
	}
	errno = e.control(unix.EPOLL_CTL_ADD, reg, events)
	if errno == syscall.EEXIST {
		// The Engine was wrong to forget it: the number was given to the same file.
		errno = e.control(unix.EPOLL_CTL_MOD, reg, events)
	}
	if errno != 0 {
		return false, errno
	}
	reg.mask, reg.ended = events, false
	return true, 0
}

func (e *Engine) control(op int, reg *registration, events uint32) syscall.Errno {
	ev := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: reg.fd, Pad: int32(reg.gen)}
	e.controls++
	err := unix.EpollCtl(e.epoll, op, int(reg.fd), &ev)
	errno, _ := err.(syscall.Errno)
	return errno
}

// leave takes q out of the list in which it waits.
func (e *Engine) leave(q *request) {
	q.list.remove(q)
	q.list, q.reg, q.state = nil, nil, trying
	e.expected--
}

// awaitAgain has q, which may be able to go on, do so after others had a turn.
func (e *Engine) awaitAgain(q *request, front bool) bool {
	if !e.await(q, q.call.FD, inEvents, front) {
		return false
	}
	// The event tells again what is ready.
	_ = e.control(unix.EPOLL_CTL_MOD, q.reg, q.reg.mask) // an error: see the sweeps
	return true
}

// harvest takes in what epoll has to report, without waiting.
func (e *Engine) harvest() {
	var events batch // not the Engine's: to handle one may let go of mu (apart)
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.epoll), uintptr(unsafe.Pointer(&events)),
			uintptr(len(events)), 0, 0, 0)
		if errno != 0 {
			return // EINTR: next time
		}
		for i := range events[:n] {
			e.heard(&events[i])
		}
		if int(n) < len(events) {
			return
		}
	}
}

// heard handles an event.
func (e *Engine) heard(ev *unix.EpollEvent) {
	switch {
	case ev.Fd == fdWakeup:
		e.woken = false
		return
	case ev.Fd < 0:
		e.rang(int(fdClock - ev.Fd))
		return
	case int(ev.Fd) >= len(e.regs):
		return
	}
	reg := e.regs[ev.Fd]
	if reg == nil || reg.mask == 0 || reg.gen != uint32(ev.Pad) {
		return // trap 31
	}
	if reg.others.first != nil {
		e.retryOthers(reg, ev.Events) // polls see what is there before it is read
	}
	reg.ended = reg.ended || ev.Events&(unix.EPOLLRDHUP|ends) != 0
	if ev.Events&(outEvents|ends) != 0 {
		e.retry(&reg.out)
	}
	if ev.Events&^outEvents != 0 {
		e.retry(&reg.in)
	}
	e.run()
}

// retry attempts those in a list, in order, until one has to wait again.
func (e *Engine) retry(l *list) {
	for q := l.first; q != nil; q = l.first {
		e.leave(q)
		if e.attempt(q, true) {
			return
		}
	}
}

// retryOthers attempts the rest, and looks whether polls are answered.
func (e *Engine) retryOthers(reg *registration, events uint32) {
	now := uint32(0) // what is ready; found out when first needed
	asked := false
	last := reg.others.last
	for q := reg.others.first; q != nil; {
		next := q.next
		done := q == last
		if q.events&events != 0 || events&ends != 0 {
			if q.state == polling {
				if !asked {
					now, asked = pollNow(reg.fd, pollable), true
				}
				e.polled(q, now)
			} else {
				e.leave(q)
				e.attempt(q, false)
			}
		}
		if done {
			return
		}
		q = next
	}
}
