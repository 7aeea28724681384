package uring

import "sync/atomic"

// Probe is the set of operations that a ring supports. All methods are safe for
// concurrent use; a copy shares nothing, so pass it by pointer.
type Probe struct {
	has    [4]atomic.Uint64 // what the kernel says, without what was denied
	denied [4]atomic.Uint64
	last   Op
}

// Has reports whether op can be used: the kernel says so, and Deny was not told
// otherwise.
func (p *Probe) Has(op Op) bool { return p.has[op/64].Load()>>(op%64)&1 != 0 }

// Last returns the highest operation code that the kernel knows, whether or not
// it is built in.
func (p *Probe) Last() Op { return p.last }

// Deny notes that op does not work here although the kernel lists it: a sandbox
// or a backport lied (trap 43). The evidence must be conclusive, such as EINVAL
// or EOPNOTSUPP for a request that cannot be wrong.
func (p *Probe) Deny(op Op) {
	p.denied[op/64].Or(1 << (op % 64))
	p.has[op/64].And(^(uint64(1) << (op % 64)))
}

// Denied reports whether Deny was called for op.
func (p *Probe) Denied(op Op) bool { return p.denied[op/64].Load()>>(op%64)&1 != 0 }

func (p *Probe) allow(op Op) { p.has[op/64].Or(1 << (op % 64)) }
