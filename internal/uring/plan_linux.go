//go:build linux

package uring

import (
	"fmt"
	"math/bits"
	"syscall"
)

// The kernel's limits on ring sizes; SetupClamp reduces to them.
const (
	maxEntries   = 32768
	maxCQEntries = 2 * maxEntries
)

// Options says what ring to set up.
type Options struct {
	// Entries is the size of the submission queue; the kernel rounds up to a
	// power of two and cuts at 32768. Zero is an error.
	Entries uint32

	// CQEntries is the size of the completion queue, rounded and cut (65536) like
	// Entries and not smaller than it. Zero: twice the submission queue.
	CQEntries uint32

	// Pinned asks for a ring that one thread owns: SINGLE_ISSUER, DEFER_TASKRUN
	// and TASKRUN_FLAG where the kernel has them. Ring.Flags tells. The caller of
	// Setup must be locked to its thread. Without Pinned neither these flags nor
	// COOP_TASKRUN are ever used (trap 3).
	Pinned bool

	// Disabled starts the ring disabled (SetupRDisabled, Linux 5.10) until
	// EnableRings, so that restrictions can be registered. With Pinned the thread
	// that enables the ring owns it.
	Disabled bool

	// Forbid names setup flags never to try; for tests, and to work around a
	// kernel's bug.
	Forbid uint32

	// HideFeatures names feature bits to treat as absent; for tests.
	HideFeatures uint32
}

// fallbacks lists the optional flags in the order in which Setup gives them up
// when the kernel answers EINVAL: newest first, so that a kernel of any age is
// asked for everything that it has. Flags of one line need each other.
var fallbacks = []uint32{
	SetupNoSQArray,                       // 6.6
	SetupDeferTaskRun | SetupTaskRunFlag, // 6.1; needs SINGLE_ISSUER
	SetupSingleIssuer,                    // 6.0
	SetupSubmitAll,                       // 5.18
	SetupClamp,                           // 5.6
	SetupCQSize,                          // 5.5
}

// check refuses sizes for which the kernel would answer EINVAL on every attempt.
func (o *Options) check() error {
	if o.Entries == 0 {
		return fmt.Errorf("uring: a ring needs at least one entry: %w", syscall.EINVAL)
	}
	sq, cq := roundUp(o.Entries, maxEntries), roundUp(o.CQEntries, maxCQEntries)
	if o.CQEntries != 0 && cq < sq {
		return fmt.Errorf("uring: %d completion entries are fewer than %d submission entries: %w",
			cq, sq, syscall.EINVAL)
	}
	return nil
}

// roundUp rounds n up to a power of two, at most limit.
func roundUp(n, limit uint32) uint32 {
	if n == 0 || n >= limit {
		return min(n, limit)
	}
	return 1 << bits.Len32(n-1)
}

// flags returns the flags of the first attempt.
func (o *Options) flags() uint32 {
	flags := uint32(SetupNoSQArray | SetupSubmitAll | SetupClamp)
	if o.CQEntries != 0 {
		flags |= SetupCQSize
	}
	if o.Pinned {
		flags |= SetupSingleIssuer | SetupDeferTaskRun | SetupTaskRunFlag
	}
	flags &^= o.Forbid
	if flags&SetupSingleIssuer == 0 {
		flags &^= SetupDeferTaskRun
	}
	if flags&SetupDeferTaskRun == 0 {
		flags &^= SetupTaskRunFlag
	}
	if o.Disabled {
		flags |= SetupRDisabled
	}
	return flags
}

// plainer returns flags without the newest group in them, and false when there
// is none left to give up.
func plainer(flags uint32) (uint32, bool) {
	for _, group := range fallbacks {
		if flags&group != 0 {
			return flags &^ group, true
		}
	}
	return flags, false
}

// params returns the argument for an attempt with flags. Without CLAMP, which
// cuts sizes in the kernel, they are cut here.
func (o *Options) params(flags uint32) (entries uint32, p *params) {
	p = &params{flags: flags}
	entries = o.Entries
	if flags&SetupCQSize != 0 {
		p.cqEntries = o.CQEntries
	}
	if flags&SetupClamp == 0 {
		entries = min(entries, maxEntries)
		p.cqEntries = min(p.cqEntries, maxCQEntries)
	}
	return entries, p
}
