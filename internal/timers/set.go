package timers

import (
	"unsafe"

	"github.com/sluicego/sluice/ops"
)

// The bits of a timer's name: its index below, its generation above, and a bit
// that tells it from the names of package slots. The topmost bit is never set.
const (
	indexBits      = 24
	indexMask      = 1<<indexBits - 1
	generationBits = 38
	generationMask = 1<<generationBits - 1
	timerBit       = 1 << 62
)

// IsName reports whether name has the form of a timer's.
func IsName(name uint64) bool { return name>>62 == 1 }

// MaxCapacity is the largest number of timers that a Set can hold.
const MaxCapacity = indexMask

// A timer fills a cache line: of a million in random order, each one that is touched
// costs a miss, and would cost two if it lay across. Chunks of 32 KiB are so large
// that Go's allocator aligns them, and adds nothing.
const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
	isFree    = ^uint32(0)
	isDue     = ^uint32(1)
)

// Timer is a pending timer: 64 bytes, with what is rarely needed in an Extra.
type Timer[E any] struct {
	Tag      any
	Extra    *E // nil for none
	when     ops.Instant
	next     uint32 // index+1 of the neighbour in a Wheel, or of the next free timer
	prev     uint32 // likewise, 0 outside; isDue in Expire; isFree while it is not in use
	low      uint32 // of the generation
	high     uint8
	Priority ops.Priority
	State    uint8 // the user's
	Clock    uint8 // the user's

	leaving bool     // it is in Set.leaving
	_       [15]byte // see chunkBits
}

// When returns the time at which the timer was last added to a Wheel.
func (t *Timer[E]) When() ops.Instant { return t.when }

// Set is a table of timers, which names them by index and generation, so that a
// name whose timer has gone never reaches the one that came after it. It grows by
// chunks that do not move, so a pointer to a timer holds until Free. The zero Set
// is empty and ready for use. It is not safe for concurrent use.
type Set[E any] struct {
	chunks []*[chunkSize]Timer[E]
	free   uint32 // index+1 of the first free timer, 0 for none
	used   int
	made   uint32 // timers that were ever in use

	leaving []leaver[E] // removed from their Wheels, but still in the lists of these
	warm    uint32      // see settle
}

// leaver is a timer that is still to be taken out of a list.
type leaver[E any] struct {
	wheel *Wheel[E]
	index uint32
}

// Len returns the number of timers in use.
func (s *Set[E]) Len() int { return s.used }

// Alloc returns a timer, zero but for its name; nil when there are MaxCapacity.
func (s *Set[E]) Alloc() (*Timer[E], uint64) {
	i := s.free - 1
	if s.free != 0 {
		t := s.at(i)
		s.free = t.next
		t.next, t.prev = 0, 0
		s.used++
		return t, t.name(i)
	}
	i = s.made
	if i == MaxCapacity {
		return nil, 0
	}
	if i%chunkSize == 0 {
		s.chunks = append(s.chunks, new([chunkSize]Timer[E]))
	}
	s.made++
	s.used++
	t := s.at(i)
	t.low = 1
	return t, t.name(i)
}

// Get returns the timer of that name, or nil when it has gone or never was.
func (s *Set[E]) Get(name uint64) *Timer[E] {
	i := uint32(name & indexMask)
	if i >= s.made {
		return nil
	}
	if t := s.at(i); t.prev != isFree && t.name(i) == name {
		return t
	}
	return nil
}

// Free gives a timer back, which is in no Wheel.
func (s *Set[E]) Free(name uint64) {
	i := uint32(name & indexMask)
	t := s.at(i)
	if t.leaving {
		s.settle()
	}
	g := ((name>>indexBits)&generationMask + 1) & generationMask
	*t = Timer[E]{low: uint32(g), high: uint8(g >> 32), next: s.free, prev: isFree}
	s.free = i + 1
	s.used--
}

// leaversKept is how many timers are taken out of their lists together.
const leaversKept = 64

// leave has a timer, which is in a Wheel no more, taken out of its list with others.
func (s *Set[E]) leave(w *Wheel[E], i uint32, t *Timer[E]) {
	t.leaving = true
	s.leaving = append(s.leaving, leaver[E]{w, i})
	if len(s.leaving) == leaversKept {
		s.settle()
	}
}

// settle takes out of their lists those that are to leave them. In a list of many
// timers the neighbours of each are anywhere in memory. First all are looked at, and
// the processor waits for all of them at once instead of one after the other.
func (s *Set[E]) settle() {
	for _, l := range s.leaving {
		t := s.at(l.index)
		s.warm += s.at(t.prev - 1).low
		if t.next != 0 {
			s.warm += s.at(t.next - 1).low
		}
	}
	for _, l := range s.leaving {
		t := s.at(l.index)
		t.leaving = false
		l.wheel.unlink(l.index, t)
	}
	s.leaving = s.leaving[:0]
}

// All yields every timer with its name, in no particular order. The loop may free
// the timer that it is given.
func (s *Set[E]) All(yield func(uint64, *Timer[E]) bool) {
	for i := range s.made {
		if t := s.at(i); t.prev != isFree && !yield(t.name(i), t) {
			return
		}
	}
}

func (t *Timer[E]) name(i uint32) uint64 {
	return timerBit | uint64(t.high)<<(32+indexBits) | uint64(t.low)<<indexBits | uint64(i)
}

// at returns the timer in the slot i. Indexing the chunk in Go would look first
// whether that is nil, by touching its beginning: a page of its own, and a miss.
func (s *Set[E]) at(i uint32) *Timer[E] {
	chunk := unsafe.Pointer(s.chunks[i>>chunkBits])
	return (*Timer[E])(unsafe.Add(chunk, uintptr(i%chunkSize)*unsafe.Sizeof(Timer[E]{})))
}
