package uring

import (
	"fmt"
	"sync/atomic"
)

// CQ is the completion queue: the kernel produces at the tail, the application
// consumes at the head. It is pure arithmetic over shared words and has a single
// consumer: the caller holds a lock over every method.
type CQ struct {
	head     *uint32 // written by Advance
	tail     *uint32 // written by the kernel
	overflow *uint32 // written by the kernel
	cqes     []CQE

	mask uint32
	next uint32 // local head: entries consumed
}

// NewCQ returns a queue over the given words and entries. The number of entries
// must be a power of two; NewCQ panics otherwise.
func NewCQ(head, tail, overflow *uint32, cqes []CQE) *CQ {
	n := len(cqes)
	if n == 0 || n&(n-1) != 0 {
		panic(fmt.Sprintf("uring: %d completion entries, not a power of two", n))
	}
	return &CQ{
		head: head, tail: tail, overflow: overflow, cqes: cqes,
		mask: uint32(n - 1),
		next: atomic.LoadUint32(head),
	}
}

// Entries returns the number of entries in the queue.
func (q *CQ) Entries() uint32 { return uint32(len(q.cqes)) }

// Ready returns the number of completions that can be read. The acquire orders
// the reads of the entries after the kernel's writes.
func (q *CQ) Ready() uint32 { return atomic.LoadUint32(q.tail) - q.next }

// Peek returns the oldest completion, or nil when there is none. The entry is
// the kernel's again after Advance: copy what is needed first (trap 18).
func (q *CQ) Peek() *CQE {
	if atomic.LoadUint32(q.tail) == q.next {
		return nil
	}
	return &q.cqes[q.next&q.mask]
}

// At returns the completion i places behind the oldest one; i must be below a
// value that Ready returned.
func (q *CQ) At(i uint32) *CQE { return &q.cqes[(q.next+i)&q.mask] }

// Run returns the completions from i places behind the oldest one on, at most n and as
// far as they are contiguous; i+n must be at most a value that Ready returned.
func (q *CQ) Run(i, n uint32) []CQE {
	first := (q.next + i) & q.mask
	return q.cqes[first:min(first+n, uint32(len(q.cqes)))]
}

// Advance gives the n oldest completions back to the kernel: once per batch,
// since the kernel reads the word. n must be at most a value that Ready returned.
func (q *CQ) Advance(n uint32) {
	q.next += n
	storeRelease(q.head, q.next)
}

// Overflow returns how many completions the kernel had to throw away because it
// had no memory to keep them (io_uring_enter(2) then answers EBADR). Completions
// that merely found the queue full are kept and not counted (trap 13).
func (q *CQ) Overflow() uint32 { return atomic.LoadUint32(q.overflow) }
