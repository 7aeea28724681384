package ring

import (
	"fmt"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// routing is how a Ring carries out an operation that has an opcode.
type routing uint8

const (
	viaKernel    routing = iota // the ring has it
	viaOlder                    // the ring has an opcode that does the same for more (uring.Plain)
	viaCompanion                // the portable engine does it: see companion
	viaNothing
)

// learn asks the kernel which of its operations this ring has. A kernel that
// cannot say, or is not allowed to, is believed to have all: then its answer to
// the request itself counts, as it does where the list is wrong (trap 43).
func (r *Ring) learn() {
	probe, err := r.u.Probe()
	lacks := func(op uring.Op) bool { return err == nil && !probe.Has(op) }
	r.forbid(func(op uring.Op) bool { return lacks(op) || hidden(op) })
	r.learnAge(lacks, r.u.Features())
}

// hidden tells which opcodes to take for missing. Tests replace it.
var hidden = func(uring.Op) bool { return false }

// forbid finds routes for operations whose opcode the kernel lacks.
func (r *Ring) forbid(lacks func(uring.Op) bool) {
	for code := ops.CodeInvalid + 1; code.Valid(); code++ {
		r.routes[code] = viaKernel
		op, native := uring.Opcode(code)
		native = native && r.sources[code] == nil
		if native && lacks(op) {
			r.routes[code] = otherRoute(code, op, lacks)
		}
		r.ways[code] = roundabout
		if native && r.routes[code] == viaKernel {
			r.ways[code] = wayOf(code)
		}
	}
	for _, code := range []ops.Code{ops.CodePost, ops.CodeTimer, ops.CodeClockSet, ops.CodePollUpdate, ops.CodeReadFile} {
		r.ways[code] = roundabout
	}
}

// otherRoute returns how an operation goes that the ring lacks.
func otherRoute(code ops.Code, op uring.Op, lacks func(uring.Op) bool) routing {
	switch code {
	case ops.CodeRegister, ops.CodeInstall, ops.CodeSendDirect, ops.CodeReadFile, ops.CodePollUpdate:
		return viaNothing // it is about what the kernel's ring has
	}
	if older := uring.PlainOp(op); older != op && !lacks(older) {
		return viaOlder
	}
	if code == ops.CodeReadMulti {
		return viaNothing // its buffers are lent to the kernel
	}
	return viaCompanion
}

// checkRoute refuses a request whose operation the ring lacks and nothing else can
// carry out.
func (r *Ring) checkRoute(req *ops.Request) error {
	switch r.routeOf(req) {
	case viaNothing:
		return r.errApart(req, "")
	case viaCompanion:
		if isTimer(req) && req.Link == ops.Unlinked {
			return nil // the kernel has nothing to do with it
		}
		return r.needCompanion(req)
	}
	return nil
}

// routeOf returns how req goes: as others of its operation do, but for messages to a
// Ring on the portable engine, which the kernel does not know and a companion does.
func (r *Ring) routeOf(req *ops.Request) routing {
	if req.Code == ops.CodeMessage && r.leavesKernel(req) {
		return viaCompanion
	}
	return r.routes[req.Code]
}

// leavesKernel reports whether a message goes from io_uring to the portable engine.
func (r *Ring) leavesKernel(req *ops.Request) bool {
	in, ok := req.Arg.(*Inbox)
	return ok && in.r.cfg.Engine == Portable && r.cfg.Engine != Portable
}

// errApart says what a request would need, and why nothing can be in its place.
func (r *Ring) errApart(req *ops.Request, why string) error {
	op, _ := uring.Opcode(req.Code)
	need := fmt.Sprintf("it takes Linux %s or later, with %s", uring.Since(req.Code), uring.OpName(op))
	if r.leavesKernel(req) {
		need = "the kernel does not reach a Ring on the portable engine"
	}
	return &ops.Error{Code: req.Code, Target: req.Describe(), Err: fmt.Errorf("%w: %s%s", ops.ErrNotSupported, need, why)}
}

// kernelsOwn names what req uses that only the kernel's ring knows, or is empty.
func kernelsOwn(req *ops.Request) string {
	switch {
	case ops.DirectOf(int(req.FD)).Valid(), usesFD2(req) && ops.DirectOf(int(req.FD2)).Valid():
		return "a direct descriptor"
	case req.Personality != 0:
		return "a personality"
	case req.Mode&ops.Select != 0:
		return "a group of buffers"
	case req.Mode&ops.Managed == 0:
		return ""
	}
	switch req.Code {
	case ops.CodeOpen, ops.CodeOpen2, ops.CodeSocket, ops.CodeAccept, ops.CodePipe,
		ops.CodeRegister, ops.CodeInstall, ops.CodeSendDirect, ops.CodeReadFile:
		return "a direct descriptor"
	}
	return ""
}

// route marks a new request, or all of a chain, with the way that it goes.
func (r *Ring) route(s *slot) {
	switch r.routeOf(&s.req) {
	case viaOlder:
		s.marks |= plainly
	case viaCompanion:
		s.marks |= apart
	}
	if s.req.Code == ops.CodePollUpdate {
		if target := r.slots.Get(uint64(s.req.Offset)); target != nil {
			s.marks |= target.marks & apart
		}
	}
}

// routeChain is route for a chain: it goes apart as a whole if one member does,
// since each starts when the one before it has ended.
func (r *Ring) routeChain(c *chain) {
	all := mark(0)
	for _, id := range c.ids {
		s := r.slots.Get(id)
		r.route(s)
		all |= s.marks & apart
	}
	for _, id := range c.ids {
		r.slots.Get(id).marks |= all
	}
}

// checkChain refuses a chain that would have to go apart and cannot.
func (r *Ring) checkChain(members []ops.Request) error {
	for i := range members {
		if r.routeOf(&members[i]) != viaCompanion {
			continue
		}
		for j := range members {
			if own := kernelsOwn(&members[j]); own != "" {
				return fmt.Errorf("submit: %w", r.errApart(&members[i],
					fmt.Sprintf("; elsewhere %s is not known, which the chain uses", own)))
			}
		}
		return r.needCompanion(&members[i])
	}
	return nil
}

// operations describes how each operation is carried out.
func (r *Ring) operations() (all []Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for code := ops.CodeInvalid + 1; code.Valid(); code++ {
		o := Operation{Code: code, Route: Emulated}
		if op, native := uring.Opcode(code); native {
			o.Opcode, o.Since = uring.OpName(op), uring.Since(code)
			if r.sources[code] == nil && r.routes[code] == viaKernel && !r.u.Emulated() {
				o.Route = Native
			}
		}
		if r.routes[code] == viaNothing {
			o.Route = Unavailable
		}
		all = append(all, o)
	}
	return all
}
