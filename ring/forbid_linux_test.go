package ring

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/sluicego/sluice/internal/uring"
)

// ForbidBundles makes r believe that its kernel lacks bundles, for the tests.
func (r *Ring) ForbidBundles() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.res.bundles = false
}

// HasFeature reports whether the kernel has one of the Feat bits.
func (r *Ring) HasFeature(bit uint32) bool { return r.u.Features()&bit != 0 }

// Forbid makes r believe that its kernel lacks these operations, for the tests.
func (r *Ring) Forbid(lacks ...uring.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forbid(func(op uring.Op) bool { return slices.Contains(lacks, op) })
}

// Age makes r believe that its kernel is one of before 5.19, which lacks more than
// opcodes, for the tests.
func (r *Ring) Age() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnAge(func(uring.Op) bool { return true }, 0)
}

// HideEnv names opcodes, with commas between, or "all", which every Ring of the
// test binary takes for missing.
const HideEnv = "SLUICE_TEST_HIDE"

func init() {
	names := strings.Split(os.Getenv(HideEnv), ",")
	hidden = func(op uring.Op) bool {
		return names[0] == "all" || slices.Contains(names, uring.OpName(op))
	}
}

// Restrict has the kernel's rings that are made from now on carry out these opcodes
// alone, until the function that it returns is called.
func Restrict(allowed ...uring.Op) (undo func()) {
	return restrict(func(op uring.Op) bool { return slices.Contains(allowed, op) })
}

// RestrictOne is Restrict that forbids one opcode and allows the others.
func RestrictOne(forbidden uring.Op) (undo func()) {
	return restrict(func(op uring.Op) bool { return op != forbidden })
}

func restrict(allows func(uring.Op) bool) (undo func()) {
	before := setup
	setup = func(o uring.Options) (*uring.Ring, error) {
		o.Disabled = true
		u, err := uring.Setup(o)
		if err != nil {
			return nil, err
		}
		probe, err := u.Probe()
		if err != nil {
			return nil, errors.Join(err, u.Close())
		}
		rules := []uring.Restriction{{Kind: uring.RestrictionSQEFlagsAllowed, Arg: 0xff}}
		for op := range probe.Last() + 1 {
			if allows(op) {
				rules = append(rules, uring.Restriction{Kind: uring.RestrictionSQEOp, Arg: op})
			}
		}
		for op := range uint8(23) { // those that a Ring uses
			rules = append(rules, uring.Restriction{Kind: uring.RestrictionRegisterOp, Arg: op})
		}
		if err = errors.Join(u.RegisterRestrictions(rules), u.EnableRings()); err != nil {
			return nil, errors.Join(err, u.Close())
		}
		return u, nil
	}
	return func() { setup = before }
}
