package ring

import (
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// sink is the Ring as sources see it.
type sink Ring

// Deliver takes a result for the request id.
func (k *sink) Deliver(id uint64, res outside.Result) {
	r := (*Ring)(k)
	r.mu.Lock()
	defer r.unlock()
	s := r.slots.Get(id)
	if s != nil && s.state == starting {
		s.begun() // and attempt does not know yet
	}
	if s == nil || s.state != elsewhere {
		r.stats.Stray++
		return
	}
	r.arriveOutside(id, s, res)
	if r.barrier.due || len(r.again) != 0 {
		r.startQueued()
	}
	r.notify()
	if r.closing && r.drained() {
		r.rouseAll()
	}
}

// startOutside gives a request to the source that its operation has.
func (r *Ring) startOutside(id uint64, s *slot) {
	if r.locking[s.req.Code] {
		r.startLater(id, s)
		return
	}
	s.state = elsewhere
	r.outside++
	if res, done := r.sources[s.req.Code].Start(id, &s.req, (*sink)(r)); done {
		r.arriveOutside(id, s, res)
	}
}

// cancelOutside asks the source to end a request.
func (r *Ring) cancelOutside(id uint64, s *slot) {
	if r.sources[s.req.Code].Cancel(id, (*sink)(r)) {
		r.outside--
		r.endOutside(id, s, ecanceled)
	}
}

// arriveOutside notes a result from a source.
func (r *Ring) arriveOutside(id uint64, s *slot, res outside.Result) {
	if res.More {
		r.rare.bring(id, res.Brought)
		r.ready.Push(s.req.Priority, arrival{id, res.Res, uring.CQEFlagMore})
		return
	}
	r.outside--
	if res.Brought != nil {
		r.rare.bring(id, res.Brought)
	}
	r.endOutside(id, s, res.Res)
}

// endOutside notes the end of what a source had. Behind it a chain goes on.
func (r *Ring) endOutside(id uint64, s *slot, res int32) {
	if s.chain != nil {
		r.settleMember(id, s, res, 0)
		return
	}
	r.finish(id, s, res, 0)
}

// links reports whether an operation can be a member of a chain. Those that have a
// source are started by the Ring, which splits the chain before and behind them:
// but watches begin with Submit and not when a turn comes, and an inbox is for good.
// Whether the kernel has to be told of a poll's change depends on where that poll is then.
func (r *Ring) links(code ops.Code) bool {
	switch code {
	case ops.CodeSignal, ops.CodeChild, ops.CodeInbox:
		return r.sources[code] == nil
	case ops.CodePollUpdate:
		return false
	}
	return true
}
