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

// Timer is a pending timer. Of a million in random order each one that is touched costs
// a miss, so what is needed of most of them is in these 32 bytes, which lie across no
// cache line. Tags are elsewhere.
type Timer[E any] struct {
	word  uint64 // its name's upper 40 bits, and below them what setBits says
	when  ops.Instant
	next  uint32 // index of the next in the list of a Wheel's slot, with edge in the last; index+1 of the next free timer
	prev  uint32 // likewise, with edge in the first: the list is a ring
	Extra *E     // nil for none
}

const edge = 1 << 31

// The lower bits of Timer.word. Lowest is the user's State.
const (
	placeShift    = 8 // two bits
	tagged        = 1 << 10
	priorityShift = 16

	stateBits    = 0xff
	placeBits    = 3 << placeShift
	priorityBits = 0xff << priorityShift
)

// place is where a timer is.
type place uint8

const (
	nowhere place = iota // in no Wheel
	listed               // in a Wheel
	due                  // taken out by Expire, which is about to call fire for it
	left                 // in no Wheel, but in a list of one until Forget
)

// State returns what SetState has set, 0 at first.
func (t *Timer[E]) State() uint8 { return uint8(t.word) }

// SetState sets eight bits of the user's.
func (t *Timer[E]) SetState(s uint8) { t.word = t.word&^stateBits | uint64(s) }

// Priority returns what SetPriority has set, ops.Normal at first.
func (t *Timer[E]) Priority() ops.Priority { return ops.Priority(t.word >> priorityShift) }

// SetPriority sets the timer's priority.
func (t *Timer[E]) SetPriority(p ops.Priority) {
	t.word = t.word&^priorityBits | uint64(uint8(p))<<priorityShift
}

// When returns the time at which the timer was last added to a Wheel.
func (t *Timer[E]) When() ops.Instant { return t.when }

func (t *Timer[E]) place() place     { return place(t.word >> placeShift & 3) }
func (t *Timer[E]) setPlace(p place) { t.word = t.word&^placeBits | uint64(p)<<placeShift }

// name returns the name of the timer, which is in the slot i.
func (t *Timer[E]) name(i uint32) uint64 { return t.word&^indexMask | uint64(i) }

// is reports whether the timer, which is in the slot of name, is that of the name.
func (t *Timer[E]) is(name uint64) bool { return (t.word^name)>>indexBits == 0 }

// Is reports whether the timer, which is in the slot of name, is that of the name, in a
// Wheel, without an Extra, and has that State.
func (t *Timer[E]) Is(name uint64, state uint8) bool {
	const bits = ^uint64(indexMask) | stateBits | placeBits
	return t.word&bits == name&^indexMask|uint64(listed)<<placeShift|uint64(state) && t.Extra == nil
}

// chunk is the memory of some timers. It is so large that Go's allocator aligns it, and
// adds nothing.
type chunk[E any] struct {
	timers [chunkSize]Timer[E]
	tags   [chunkSize]any
}

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// Set is a table of timers, which names them by index and generation, so that a
// name whose timer has gone never reaches the one that came after it. It grows by
// chunks that do not move, so a pointer to a timer holds until Free. The zero Set
// is empty and ready for use. It is not safe for concurrent use.
type Set[E any] struct {
	chunks []*chunk[E]
	free   uint32 // index+1 of the first free timer, 0 for none
	used   int
	made   uint32 // timers that were ever in use

	warm uint32 // see Warm
}

// Len returns the number of timers in use.
func (s *Set[E]) Len() int { return s.used }

// Alloc returns a timer, zero but for its name; nil when there are MaxCapacity.
func (s *Set[E]) Alloc() (*Timer[E], uint64) {
	i := s.free - 1
	switch {
	case s.free != 0:
		s.free = s.at(i).next
	case s.made == MaxCapacity:
		return nil, 0
	default:
		i = s.made
		if i%chunkSize == 0 {
			s.chunks = append(s.chunks, new(chunk[E]))
		}
		s.made++
	}
	s.used++
	t := s.at(i)
	t.word |= timerBit
	t.next = 0 // Warm may look there
	return t, t.word | uint64(i)
}

// Get returns the timer of that name, or nil when it has gone or never was.
func (s *Set[E]) Get(name uint64) *Timer[E] {
	if t := s.Slot(name); t != nil && IsName(name) && t.is(name) {
		return t
	}
	return nil
}

// Slot returns the timer in the slot of a name, be it another or free, or nil when there is
// no such slot. It is for Timer.Is.
func (s *Set[E]) Slot(name uint64) *Timer[E] {
	i := name & indexMask
	if i>>chunkBits >= uint64(len(s.chunks)) {
		return nil
	}
	return (*Timer[E])(unsafe.Add(unsafe.Pointer(s.chunks[i>>chunkBits]), i%chunkSize*uint64(unsafe.Sizeof(Timer[E]{}))))
}

// SetTag gives a timer, which is in use, a tag.
func (s *Set[E]) SetTag(name uint64, tag any) {
	i := uint32(name & indexMask)
	s.at(i).word |= tagged
	*s.tag(i) = tag
}

// Tag returns the tag of a timer, which is in use, or nil.
func (s *Set[E]) Tag(name uint64) any {
	i := uint32(name & indexMask)
	if s.at(i).word&tagged == 0 {
		return nil
	}
	return *s.tag(i)
}

// Free gives a timer back, which is in no Wheel, nor in a list of one.
func (s *Set[E]) Free(name uint64) {
	i := uint32(name & indexMask)
	t := s.at(i)
	if t.word&tagged != 0 {
		*s.tag(i) = nil
	}
	*t = Timer[E]{word: (name + 1<<indexBits) & (generationMask << indexBits), next: s.free}
	s.free = i + 1
	s.used--
}

// WarmSlot looks at the slot of a name, likewise: called for several, one after the other,
// it does not wait for the memory of one before it asks for that of the next.
func (s *Set[E]) WarmSlot(name uint64) {
	if t := s.Slot(name); t != nil {
		s.warm += t.next
	}
}

// Warm looks at the neighbours of timers that have left their Wheel, so that the
// processor has them when Forget comes. In a list of many they are anywhere in memory;
// it waits for those of all these timers at once instead of one after the other.
func (s *Set[E]) Warm(names []uint64) {
	warm := s.warm
	for _, name := range names {
		t := s.at(uint32(name & indexMask))
		warm += s.at(t.prev&indexMask).next + s.at(t.next&indexMask).prev
	}
	s.warm = warm
}

// All yields every timer with its name, in no particular order. The loop may free
// the timer that it is given.
func (s *Set[E]) All(yield func(uint64, *Timer[E]) bool) {
	for i := range s.made {
		if t := s.at(i); t.word&timerBit != 0 && !yield(t.name(i), t) {
			return
		}
	}
}

// at returns the timer in the slot i. Indexing the chunk in Go would look first
// whether that is nil, by touching its beginning: a page of its own, and a miss.
func (s *Set[E]) at(i uint32) *Timer[E] {
	c := unsafe.Pointer(s.chunks[i>>chunkBits])
	return (*Timer[E])(unsafe.Add(c, uintptr(i%chunkSize)*unsafe.Sizeof(Timer[E]{})))
}

// tag returns where the tag of the timer in the slot i is.
func (s *Set[E]) tag(i uint32) *any { return &s.chunks[i>>chunkBits].tags[i%chunkSize] }
