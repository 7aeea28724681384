package ring

import (
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// urgencies is the number of steps of urgency in the in-flight window: Lowest and
// Low, Normal, High and Highest. Each leaves Config.Reserve places to those above it.
const urgencies = 3

// urgencyOf holds each level's step.
var urgencyOf = [ops.Levels]uint8{0, 0, 1, 2, 2}

// openLevels returns the levels whose requests may be handed over.
func (r *Ring) openLevels() prio.Levels {
	free := r.cfg.InFlight - r.inKernel
	switch reserve := r.cfg.Reserve; {
	case free <= 0:
		return 0
	case reserve == 0:
		return prio.AllLevels
	case r.held[0]+r.held[1] >= r.cfg.InFlight-reserve:
		return prio.From(ops.High)
	case r.held[0] >= r.cfg.InFlight-2*reserve:
		return prio.From(ops.Normal)
	case r.holdsBack():
		return prio.From(ops.Normal) | r.queue.Overdue()
	}
	return prio.AllLevels
}

// mayEnter reports whether the window has a place for a request of level p.
func (r *Ring) mayEnter(p ops.Priority) bool {
	return r.cfg.Reserve == 0 || r.openLevels()>>p.Level()&1 != 0
}

// enter notes that a request is in the submission ring.
func (r *Ring) enter(s *slot) {
	s.state = inKernel
	r.inKernel++
	if r.cfg.Reserve != 0 {
		r.held[urgencyOf[s.req.Priority.Level()]]++
		r.hasten(s)
	}
}

// leave notes that a request is in the kernel no more.
func (r *Ring) leave(s *slot) {
	r.inKernel--
	if r.cfg.Reserve != 0 {
		r.held[urgencyOf[s.req.Priority.Level()]]--
		if hurried(s) {
			r.haste.n--
		}
	}
}
