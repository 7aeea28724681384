package ring

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// reap takes every completion out of the completion ring and notes it with its
// request. It runs nobody's code, and reports whether there was any.
//
// w is who reaps, or nil. If it is a Wait with room, and no other order is
// possible, completions go to it directly.
func (r *Ring) reap(w *waiter) bool {
	cq := r.cq
	n := cq.Ready()
	if n == 0 {
		return false
	}
	i := uint32(0)
	if w != nil && w.kind == inWait && !r.mixed && r.ready.Len() == 0 {
		i = r.reapStraight(w, n)
		if r.cfg.Pinned && w.n == len(w.dst) && r.alone() {
			n = i // the rest can go the same way, at the next Wait
		}
	}
	for ; i < n; i++ {
		c := cq.At(i)
		r.arrive(c.UserData, c.Res, c.Flags)
	}
	cq.Advance(n)
	return true
}

// alone reports whether completions concern nobody but the owner in its Waits.
func (r *Ring) alone() bool { return r.doing == 0 && r.export == nil && !r.closing }

// arrive notes one completion.
func (r *Ring) arrive(userData uint64, res int32, flags uint32) {
	if userData&internal != 0 {
		r.arriveInternal(userData, res, flags)
		return
	}
	s := r.slots.Get(userData)
	if s == nil || s.state != inKernel {
		if flags&uring.CQEFlagNotif == 0 { // see arriveZC
			r.stats.Stray++
		}
		return
	}
	if s.marks&managed != 0 && !r.arriveManaged(s, &res, &flags) {
		return
	}
	if flags&uring.CQEFlagMore != 0 {
		r.ready.Push(s.req.Priority, arrival{userData, res, flags})
		return
	}
	r.leave(s)
	if res >= 0 && s.marks&^(timed|large|attended) == 0 {
		r.finish(userData, s, res, flags)
		return
	}
	r.settle(userData, s, res, flags)
}

func (r *Ring) arriveInternal(userData uint64, res int32, flags uint32) {
	switch userData {
	case udWake:
		r.owner.heard(res, flags)
	case udNop:
	case udClock, udClock + 1:
		r.clockRang(r.time.clocks[userData-udClock])
	case udCompanion:
		r.companionReady()
	default:
		switch {
		case userData < udSteps:
			r.arriveStep(userData, res)
		case userData >= udLetter:
			r.arriveLetter(userData&^udLetter, res)
		default:
			r.asked--
			if res < 0 {
				r.cancelMissed(userData &^ internal)
			}
		}
	}
}

// errRestart is ERESTARTSYS, the first of five numbers for "interrupted" that the
// kernel keeps to itself, but for splice and tee in its workers.
const errRestart = 512

// settle decides what becomes of a request that left the kernel and is not
// simply done.
func (r *Ring) settle(id uint64, s *slot, res int32, flags uint32) {
	if s.marks&probing != 0 {
		r.probed(id, s, res)
		return
	}
	if s.marks&polling != 0 {
		s.marks &^= polling
		if s.marks&canceling == 0 && (res >= 0 || r.mustRepeat(s, res, true)) {
			r.repeat(id, s) // its descriptor is ready now
			return
		}
		if res >= 0 {
			res = ecanceled
		}
		if s.chain != nil {
			r.cutChain(s.chain, id, res, s.cause) // what is behind it has not started
			return
		}
	}
	if errRestart <= -res && -res < errRestart+5 {
		res = -int32(syscall.EINTR)
	}
	if s.marks&canceling != 0 && (res == -int32(syscall.EINTR) || res == -int32(syscall.EAGAIN) && waitsForReadiness(&s.req)) {
		res = ecanceled // our cancel interrupted a kernel worker, or came ahead of a wait for readiness
	}
	switch {
	case s.marks&managed != 0 && r.settleManaged(id, s, res, flags):
	case s.chain != nil:
		r.settleMember(id, s, res, flags)
	case s.marks&canceling != 0:
		r.finish(id, s, res, flags)
	case res < 0 && r.refused(id, s, res):
	case s.marks&multi != 0 && res >= 0:
		r.continueMultishot(id, s, res, flags)
	case s.req.Code == ops.CodePollUpdate:
		r.settleUpdate(id, s, res)
	case r.mustRepeat(s, res, false):
		r.repeat(id, s)
	default:
		r.finish(id, s, res, flags)
	}
}

// continueMultishot goes on with a multishot request that the kernel ended
// without an error: it does so when the completion ring overflows (trap 13), with
// files that are always ready, and after each event of a level-triggered poll. It
// is idle until that event is taken, so that one which is always ready does not
// keep the ring busy.
func (r *Ring) continueMultishot(id uint64, s *slot, res int32, flags uint32) {
	r.ready.Push(s.req.Priority, arrival{id, res, flags | uring.CQEFlagMore})
	s.state = idle
}

func (r *Ring) repeat(id uint64, s *slot) {
	s.state = again
	r.again = append(r.again, id)
}

// mustRepeat reports whether res is no outcome but a reason to hand the request
// over once more. following says that it stands in a chain behind such a one.
func (r *Ring) mustRepeat(s *slot, res int32, following bool) bool {
	switch syscall.Errno(-res) {
	case syscall.ECANCELED, syscall.EINTR:
		// Nobody cancelled it: the thread that submitted it has exited, and the
		// kernel ended all that it had submitted (trap 1). A close that was
		// interrupted has closed all the same: its number may be another file's.
		if s.req.Code == ops.CodeClose && res == -int32(syscall.EINTR) {
			return false
		}
		r.stats.Resubmitted++
		return true
	case syscall.EPERM:
		return r.refusedIOPrio(s)
	case syscall.EAGAIN:
		// The descriptor has O_NONBLOCK. A completion must still mean that the
		// operation is complete, so wait for readiness first (trap 10).
		if !following && waitsForReadiness(&s.req) {
			s.marks |= needsPoll
			return true
		}
	}
	return false
}

// finish makes the terminal completion available to whom it belongs.
func (r *Ring) finish(id uint64, s *slot, res int32, flags uint32) {
	if s.marks&(timed|awaited|draining) != 0 {
		r.untie(id, s)
	}
	s.state = ready
	a := arrival{id, res, flags}
	if s.waiter != nil {
		s.waiter.finish(r, &a, s)
		return
	}
	r.ready.Push(s.req.Priority, a)
}

// untie ends what waits for the end of a request: its deadline, and the barrier.
func (r *Ring) untie(id uint64, s *slot) {
	if s.marks&timed != 0 {
		r.timers.Remove(slots.Index(id))
	}
	r.countEnd(s)
}

// waitsForReadiness reports whether the user expects the request to wait until
// its descriptor is ready, rather than to fail with EAGAIN.
func waitsForReadiness(req *ops.Request) bool {
	switch req.Code {
	case ops.CodeRead, ops.CodeWrite, ops.CodeReadv, ops.CodeWritev, ops.CodeReadMulti,
		ops.CodeReadFixed, ops.CodeWriteFixed, ops.CodeReadvFixed, ops.CodeWritevFixed:
		return req.Flags&unix.RWF_NOWAIT == 0
	case ops.CodeSend, ops.CodeRecv, ops.CodeSendmsg, ops.CodeRecvmsg, ops.CodeSendZC, ops.CodeSendmsgZC:
		return req.Flags&unix.MSG_DONTWAIT == 0
	case ops.CodeSplice, ops.CodeTee:
		return req.Flags&unix.SPLICE_F_NONBLOCK == 0
	case ops.CodeAccept:
		return true
	}
	return false
}

// pollFirst returns what to wait for ahead of a request that found its
// descriptor not ready. For a splice that may be either end: they take turns.
func (s *slot) pollFirst() (fd int32, events uint32) {
	switch s.req.Code {
	case ops.CodeWrite, ops.CodeWritev, ops.CodeSend, ops.CodeSendmsg,
		ops.CodeWriteFixed, ops.CodeWritevFixed, ops.CodeSendZC, ops.CodeSendmsgZC:
		return s.req.FD, unix.POLLOUT
	case ops.CodeSplice, ops.CodeTee:
		s.marks ^= pollOut
		if s.marks&pollOut != 0 {
			return s.req.FD2, unix.POLLIN
		}
		return s.req.FD, unix.POLLOUT
	}
	return s.req.FD, unix.POLLIN
}
