package ring

import (
	"fmt"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// learn asks the kernel which of its operations this ring has. A kernel that
// cannot say, or is not allowed to, is believed to have all: then its answer to
// the request itself counts, as it does where the list is wrong (trap 43).
func (r *Ring) learn() {
	probe, err := r.u.Probe()
	lacks := func(op uring.Op) bool { return err == nil && !probe.Has(op) }
	r.forbid(lacks)
	r.learnAge(lacks)
}

// forbid notes which operations cannot be carried out because the kernel lacks
// their opcode, and nothing else is in its place.
func (r *Ring) forbid(lacks func(uring.Op) bool) {
	for code := ops.CodeInvalid + 1; code.Valid(); code++ {
		op, native := uring.Opcode(code)
		r.missing[code] = native && r.sources[code] == nil && lacks(op)
		r.direct[code] = native && r.sources[code] == nil && !r.missing[code]
	}
	for _, code := range []ops.Code{ops.CodePost, ops.CodeTimer, ops.CodeClockSet, ops.CodePollUpdate, ops.CodeReadFile} {
		r.direct[code] = false
	}
}

// errMissing says what a request would need.
func errMissing(req *ops.Request) error {
	op, _ := uring.Opcode(req.Code)
	return &ops.Error{Code: req.Code, Target: req.Describe(), Err: fmt.Errorf(
		"%w: it takes Linux %s or later, with %s", ops.ErrNotSupported, uring.Since(req.Code), uring.OpName(op))}
}

// operations describes how each operation is carried out.
func (r *Ring) operations() (all []Operation) {
	for code := ops.CodeInvalid + 1; code.Valid(); code++ {
		o := Operation{Code: code, Route: Emulated}
		if op, native := uring.Opcode(code); native {
			o.Opcode, o.Since = uring.OpName(op), uring.Since(code)
			if r.sources[code] == nil && !r.u.Emulated() {
				o.Route = Native
			}
		}
		if r.missing[code] {
			o.Route = Unavailable
		}
		all = append(all, o)
	}
	return all
}
