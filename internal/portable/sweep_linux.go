package portable

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sweepTime is how often those are looked after who wait for a file that epoll may
// have forgotten. It bounds the delay when a number is reused: see the package
// comment.
const sweepTime = 50 * time.Millisecond

// sweeper has registrations that somebody waits for who was not verified.
type sweeper struct {
	regs   []*registration
	period uint32 // counts the sweeps, from 1 on
	timer  request
}

// add has reg looked after.
func (s *sweeper) add(e *Engine, reg *registration) {
	if reg.swept {
		return
	}
	reg.swept = true
	s.regs = append(s.regs, reg)
	if len(s.regs) == 1 {
		s.schedule(e)
	}
}

func (s *sweeper) schedule(e *Engine) {
	s.timer.when = e.now(monotonic) + int64(sweepTime)
	s.timer.clock = monotonic
	// An error: there is no timer to be had, and none of the checks.
	_ = e.arm(&s.timer)
}

// sweep asks epoll about the files of those who have waited for a whole period. Who
// waits for less is likely to be on a busy connection, and costs nothing.
func (e *Engine) sweep() {
	s := &e.sweeps
	now := s.period
	s.period++
	n := 0
	for _, reg := range s.regs {
		if !e.check(reg, now) {
			s.regs[n] = reg
			n++
		}
	}
	clear(s.regs[n:])
	s.regs = s.regs[:n]
	if n != 0 {
		s.schedule(e)
	}
	e.run()
}

// check looks after one registration, and reports whether it is done with.
func (e *Engine) check(reg *registration, now uint32) (done bool) {
	done = true
	old := false
	for _, l := range reg.lists() {
		for q := l.first; q != nil; q = q.next {
			if q.marks&verified == 0 {
				done = false
				old = old || q.period < now
			}
		}
	}
	switch {
	case done:
	case old:
		done = true
		e.verify(reg)
	}
	if done {
		reg.swept = false
	}
	return done
}

// verify asks epoll whether it still knows the file of reg, without an effect on it
// if so.
func (e *Engine) verify(reg *registration) {
	if reg.mask == 0 {
		return
	}
	reg.gen++
	switch errno := e.control(unix.EPOLL_CTL_ADD, reg, reg.mask); errno {
	case syscall.EEXIST:
		reg.gen--
	case 0:
		// It did not: the number is another file's now. Those who are known to wait
		// for the former one do so in vain; epoll reports if the new one is ready.
		reg.ended = false
		reg.accepter = nil
		e.disown(reg, verified)
	case syscall.EBADF, syscall.EPERM:
		// It is nobody's, or that of a file for which there is no waiting.
		reg.mask = 0
		e.disown(reg, 0)
	default:
		reg.gen--
		return // ENOMEM, ENOSPC: at the next wait
	}
	for _, l := range reg.lists() {
		for q := l.first; q != nil; q = q.next {
			q.marks |= verified
		}
	}
}
