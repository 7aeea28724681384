package ops

import (
	"fmt"
	"sync/atomic"
)

// Fixed is a buffer that the kernel has been told of before: it is spared the
// look-up and pinning of its pages in each transfer. Package ring's BufferPool
// lends them. A Fixed is a value; copies and slices of it are the same buffer,
// which Release gives back. The zero Fixed is no buffer.
type Fixed struct {
	m          *FixedMemory
	generation uint32
	from, to   uint32
}

// Len returns the number of bytes.
func (b Fixed) Len() int { return int(b.to - b.from) }

// Bytes returns the memory. It must not be used after Release: Bytes panics then,
// since it belongs to somebody else.
func (b Fixed) Bytes() []byte {
	if b.m == nil {
		return nil
	}
	if !b.m.lentAs(b.generation) {
		panic("ops: Bytes of a Fixed that was released before")
	}
	return b.m.data[b.from:b.to:b.to]
}

// Slice returns the part of b from one byte up to, but without, another, as
// slicing does. It is the same buffer: only one of them is to be released.
func (b Fixed) Slice(from, to int) Fixed {
	if from < 0 || to < from || to > b.Len() {
		panic(fmt.Sprintf("ops: slice %d:%d of a Fixed of %d bytes", from, to, b.Len()))
	}
	b.from, b.to = b.from+uint32(from), b.from+uint32(to)
	return b
}

// Release gives the buffer back. It panics when it was given back before, or when
// a request that uses it has not been completed: the kernel may still write to it.
// Any goroutine may call it, also after the Ring's Close. For the zero Fixed it
// does nothing.
func (b Fixed) Release() {
	if b.m == nil {
		return
	}
	if !b.m.end(b.generation) {
		if b.m.lentAs(b.generation) {
			panic("ops: Release of a Fixed while a request uses it")
		}
		panic("ops: Release of a Fixed that was released before")
	}
	b.m.lender.TakeBack(b.m)
}

// FixedMemory is what is behind a Fixed: engines make it, lend it, and hold it
// while requests use it.
type FixedMemory struct {
	data   []byte
	index  uint16
	lender FixedLender
	// state is the generation (32 bits), whether it is lent (1), and how many
	// requests use it (31).
	state atomic.Uint64
}

// FixedLender is the pool that a buffer goes back to.
type FixedLender interface{ TakeBack(*FixedMemory) }

const (
	fixedLent       = 1 << 31
	fixedUsers      = fixedLent - 1
	fixedGeneration = 32
)

// NewFixedMemory returns memory that lies in the registered buffer of that index.
func NewFixedMemory(data []byte, index uint16, lender FixedLender) *FixedMemory {
	return &FixedMemory{data: data, index: index, lender: lender}
}

// Lend returns the first n bytes of m, which is not lent.
func (m *FixedMemory) Lend(n int) Fixed {
	generation := uint32(m.state.Load() >> fixedGeneration)
	m.state.Store(uint64(generation)<<fixedGeneration | fixedLent)
	return Fixed{m: m, generation: generation, to: uint32(n)}
}

// Lender returns the pool.
func (m *FixedMemory) Lender() FixedLender { return m.lender }

// Index returns the index of the registered buffer.
func (m *FixedMemory) Index() uint16 { return m.index }

// Size returns the number of bytes there are.
func (m *FixedMemory) Size() int { return len(m.data) }

func (m *FixedMemory) lentAs(generation uint32) bool {
	s := m.state.Load()
	return uint32(s>>fixedGeneration) == generation && s&fixedLent != 0
}

// hold notes one more request that uses m, unless the loan has ended.
func (m *FixedMemory) hold(generation uint32) bool {
	for {
		s := m.state.Load()
		if uint32(s>>fixedGeneration) != generation || s&fixedLent == 0 {
			return false
		}
		if m.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

// letGo notes that a request is complete.
func (m *FixedMemory) letGo() { m.state.Add(^uint64(0)) }

// end ends a loan that no request uses.
func (m *FixedMemory) end(generation uint32) bool {
	was := uint64(generation)<<fixedGeneration | fixedLent
	return m.state.CompareAndSwap(was, uint64(generation+1)<<fixedGeneration)
}
