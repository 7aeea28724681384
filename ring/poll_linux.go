package ring

import (
	"syscall"

	"github.com/sluicego/sluice/ops"
)

// updatePoll changes the events of a pending poll. It reports whether the kernel
// must be told; otherwise the update is complete.
func (r *Ring) updatePoll(id uint64, s *slot) bool {
	target := r.slots.Get(uint64(s.req.Offset))
	if target == nil || target.req.Code != ops.CodePoll || target.state == ready {
		r.finish(id, s, -int32(syscall.ENOENT), 0)
		return false
	}
	target.req.Flags = s.req.Flags
	if target.state == inKernel {
		return true
	}
	r.finish(id, s, 0, 0) // it counts from the next hand-over on
	return false
}

// settleUpdate handles the kernel's answer to a changed poll.
func (r *Ring) settleUpdate(id uint64, s *slot, res int32) {
	target := r.slots.Get(uint64(s.req.Offset))
	pending := target != nil && target.state != ready
	switch syscall.Errno(-res) {
	case syscall.EALREADY, syscall.ECANCELED, syscall.EINTR:
		// EALREADY: an event is just being reported. The others: see mustRepeat.
		if pending {
			r.repeat(id, s)
			return
		}
		res = -int32(syscall.ENOENT)
	case syscall.ENOENT:
		// It left the kernel meanwhile. If it returns there, then with the new
		// events.
		if pending {
			res = 0
		}
	}
	r.finish(id, s, res, 0)
}
