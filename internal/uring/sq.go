package uring

import (
	"fmt"
	"sync/atomic"
)

// SQ is the submission queue: the application produces at the tail, the kernel
// consumes at the head. It is pure arithmetic over shared words. An SQ is not
// safe for concurrent use: the caller holds a lock over every method.
//
// Both indices run freely through 2^32 and are masked at the access, so that
// tail-head is the fill level, also after a wrap.
type SQ struct {
	head    *uint32 // written by the kernel
	tail    *uint32 // written by Publish
	flags   *uint32 // written by the kernel
	dropped *uint32 // written by the kernel
	sqes    []SQE

	mask   uint32
	next   uint32 // local tail: entries handed out, published or not
	cached uint32 // the head when it was last loaded, never ahead of the real one
}

// NewSQ returns a queue over the given words and entries. The number of entries
// must be a power of two; NewSQ panics otherwise. A non-nil array is the index
// array of rings without SetupNoSQArray: it is filled with the identity once,
// here, and then left alone. With SetupNoSQArray the caller must pass nil, since
// the offset that the kernel reports then points at the ring's header (trap 44).
func NewSQ(head, tail, flags, dropped *uint32, sqes []SQE, array []uint32) *SQ {
	n := len(sqes)
	if n == 0 || n&(n-1) != 0 {
		panic(fmt.Sprintf("uring: %d submission entries, not a power of two", n))
	}
	for i := range array {
		array[i] = uint32(i)
	}
	return &SQ{
		head: head, tail: tail, flags: flags, dropped: dropped, sqes: sqes,
		mask:   uint32(n - 1),
		next:   atomic.LoadUint32(tail),
		cached: atomic.LoadUint32(head),
	}
}

// Entries returns the number of entries in the queue.
func (q *SQ) Entries() uint32 { return uint32(len(q.sqes)) }

// Space returns how many entries Next can hand out before the kernel consumes
// more.
func (q *SQ) Space() uint32 {
	q.cached = atomic.LoadUint32(q.head)
	return uint32(len(q.sqes)) - (q.next - q.cached)
}

// Next hands out the next entry, or nil when the queue is full: publish, enter,
// and try again (trap 5). The entry still holds an earlier request, and the
// caller must write every field (trap 9). It belongs to the caller until Publish.
func (q *SQ) Next() *SQE {
	if q.next-q.cached >= uint32(len(q.sqes)) && q.full() {
		return nil
	}
	e := &q.sqes[q.next&q.mask]
	q.next++
	return e
}

// Take is Next for who knows that the queue is not full, by Space or Full.
func (q *SQ) Take() *SQE {
	e := &q.sqes[q.next&q.mask]
	q.next++
	return e
}

// Run returns the entries that Take would hand out next, at most n and as far as they
// are contiguous. Taken then hands out those that were written.
func (q *SQ) Run(n uint32) []SQE {
	first := q.next & q.mask
	return q.sqes[first:min(first+n, uint32(len(q.sqes)))]
}

// Taken hands out the first n entries of a Run.
func (q *SQ) Taken(n uint32) { q.next += n }

// Latest returns the entry that was handed out back entries before the next.
func (q *SQ) Latest(back uint32) *SQE { return &q.sqes[(q.next-back)&q.mask] }

// Full reports whether Next would return nil.
func (q *SQ) Full() bool { return q.next-q.cached >= uint32(len(q.sqes)) && q.full() }

// full looks at the shared head, which Next does only when the cached one says
// that there is no space left. The acquire orders the reuse of an entry after
// the kernel's reads of it.
func (q *SQ) full() bool {
	q.cached = atomic.LoadUint32(q.head)
	return q.next-q.cached >= uint32(len(q.sqes))
}

// Publish makes every entry handed out so far visible to the kernel and returns
// how many of them it has not consumed yet: the to_submit of Enter. Entries that
// an earlier Enter left behind are counted again, so nothing is submitted twice
// and nothing is forgotten (trap 6).
func (q *SQ) Publish() uint32 {
	storeRelease(q.tail, q.next)
	return q.next - atomic.LoadUint32(q.head)
}

// Unsubmitted returns the count that Publish would return, without publishing.
func (q *SQ) Unsubmitted() uint32 { return q.next - atomic.LoadUint32(q.head) }

// NeedsFlush reports whether completions wait inside the kernel for an Enter
// with EnterGetEvents: the completion queue overflowed (trap 13), or deferred
// task work is pending on a ring with SetupTaskRunFlag.
func (q *SQ) NeedsFlush() bool {
	return atomic.LoadUint32(q.flags)&(SQFlagCQOverflow|SQFlagTaskRun) != 0
}

// Overflowed reports whether the kernel holds completions that found no room in
// the completion queue (SQFlagCQOverflow, Linux 5.8).
func (q *SQ) Overflowed() bool { return atomic.LoadUint32(q.flags)&SQFlagCQOverflow != 0 }

// TaskRun reports whether task work waits for the owner to enter the kernel
// (SQFlagTaskRun, Linux 5.19; only with SetupTaskRunFlag).
func (q *SQ) TaskRun() bool { return atomic.LoadUint32(q.flags)&SQFlagTaskRun != 0 }

// Dropped returns how many entries the kernel skipped because the index array
// named an entry that does not exist. With the identity array, and without any
// array, that is always zero; anything else is a bug in this package.
func (q *SQ) Dropped() uint32 { return atomic.LoadUint32(q.dropped) }
