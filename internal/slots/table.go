// Package slots is a table of values that are named by slot and generation, so
// that a name whose value has gone never reaches the value that came after it.
package slots

// The bits of a name: the slot's index below, its generation above. The two
// topmost bits are never set; users may mark other kinds of names with them. A slot
// that is reused ten million times a second runs out of generations after 7 hours.
const (
	indexBits = 24
	indexMask = 1<<indexBits - 1
	nameMask  = 1<<62 - 1
)

// MaxCapacity is the largest number of values that a Table can hold.
const MaxCapacity = indexMask

const (
	chunkBits = 8
	chunkSize = 1 << chunkBits
	none      = indexMask // no slot has that index
)

// Table holds up to a fixed number of values. It grows by chunks that never
// move, so a pointer to a value holds until Free. It is not safe for concurrent
// use. Make one with New.
//
// Free slots that were used last are reused first, while they are in the processor's
// caches. Those are in an array, so that who takes several need not wait for one to find
// the next; the others are a list.
type Table[T any] struct {
	chunks   []*[chunkSize]Entry[T]
	recent   [Recent]uint32 // free slots that were used last, in that order
	kept     uint32         // how many there are in recent
	free     uint32         // the first of the other free slots, or none
	used     uint32         // slots that have a value
	made     uint32         // slots that were ever used
	capacity uint32
}

// Recent is how many free slots can be taken and given back by Reuse and Drop.
const Recent = 256

// Entry is a slot. Its name is that of the value in it. While it is free the name is
// that of the next value, but for the index: in the list this is the next one's, or none.
type Entry[T any] struct {
	name  uint64
	Value T
}

// New returns an empty table for capacity values, at most MaxCapacity.
func New[T any](capacity int) Table[T] {
	return Table[T]{free: none, capacity: uint32(min(capacity, MaxCapacity))}
}

// Len returns the number of values in the table.
func (t *Table[T]) Len() int { return int(t.used) }

// Room returns how many more values the table can take.
func (t *Table[T]) Room() int { return int(t.capacity - t.used) }

// Alloc takes a free slot and returns its value, which is zero or as Free left
// it, and its name; nil when the table is full.
func (t *Table[T]) Alloc() (*T, uint64) {
	if t.kept == 0 && !t.refill() {
		return t.grow()
	}
	t.SetKept(t.kept - 1)
	return t.Reuse(t.recent[t.kept])
}

// Kept returns how many free slots there are for Reuse and Drop. The caller counts on:
// down to zero, taking each from Latest to Reuse, or up to Recent with Drop. It says
// by SetKept where that has ended.
func (t *Table[T]) Kept() uint32 { return t.kept }

// SetKept is the end of what began with Kept.
func (t *Table[T]) SetKept(kept uint32) {
	t.used += t.kept - kept
	t.kept = kept
}

// Latest returns the slot that Reuse is to take when kept, which is not zero, are there.
func (t *Table[T]) Latest(kept uint32) uint32 { return t.recent[(kept-1)%Recent] }

// Reuse is Alloc for a slot of those. It is in two so that each is short enough to be inlined.
func (t *Table[T]) Reuse(i uint32) (*T, uint64) {
	e := t.at(i)
	e.name = e.name&^indexMask | uint64(i)
	return &e.Value, e.name
}

// refill moves some of the list to recent. It reports false if there are none.
func (t *Table[T]) refill() bool {
	for t.kept < Recent/2 && t.free != none {
		e := t.at(t.free)
		t.recent[t.kept] = t.free
		t.kept++
		t.free = uint32(e.name & indexMask)
		e.name |= none
	}
	return t.kept != 0
}

// spill moves the half of recent that was used first to the list.
func (t *Table[T]) spill() {
	for _, i := range t.recent[:Recent/2] {
		e := t.at(i)
		e.name = e.name&^indexMask | uint64(t.free)
		t.free = i
	}
	t.kept = uint32(copy(t.recent[:], t.recent[Recent/2:t.kept]))
}

// grow takes a slot that was never used. It is no part of Alloc, so that this is short.
//
//go:noinline
func (t *Table[T]) grow() (*T, uint64) {
	if t.made == t.capacity {
		return nil, 0
	}
	i := t.made
	if i%chunkSize == 0 {
		t.chunks = append(t.chunks, new([chunkSize]Entry[T]))
	}
	t.made++
	t.used++
	e := t.at(i)
	e.name = 1<<indexBits | uint64(i)
	return &e.Value, e.name
}

// Get returns the value of that name, or nil when it has gone or never was.
func (t *Table[T]) Get(name uint64) *T {
	e := t.Find(name)
	if e == nil {
		return nil
	}
	return &e.Value
}

// Find is Get for who may free the slot soon.
func (t *Table[T]) Find(name uint64) *Entry[T] {
	chunks, i := t.chunks, uint32(name&indexMask)
	if int(i>>chunkBits) >= len(chunks) {
		return nil
	}
	e := at(chunks, i)
	if e.name != name { // zero in slots that were never used, which names no value
		return nil
	}
	return e
}

// At returns the value in the slot of that index, which is in use, and its name.
func (t *Table[T]) At(index int) (*T, uint64) {
	e := t.at(uint32(index))
	return &e.Value, e.name
}

// Free gives the slot of that name back. The caller has cleared the value as far
// as it holds references. The name must be in use.
func (t *Table[T]) Free(name uint64) {
	if t.kept == Recent {
		t.spill()
	}
	t.Drop(t.at(uint32(name&indexMask)), name, t.kept)
	t.SetKept(t.kept + 1)
}

// Drop is Free for a slot that was found by that name, for when kept is below Recent.
func (t *Table[T]) Drop(e *Entry[T], name uint64, kept uint32) {
	next := (name + 1<<indexBits) & nameMask &^ indexMask
	if next == 0 {
		next = 1 << indexBits // no generation is 0, so that no name is
	}
	e.name = next | none
	t.recent[kept%Recent] = uint32(name & indexMask)
}

// All yields every value with its name, in no particular order. The loop may
// free the value that it is given.
func (t *Table[T]) All(yield func(uint64, *T) bool) {
	for i := uint32(0); i < t.made; i++ {
		if e := t.at(i); uint32(e.name&indexMask) == i && !yield(e.name, &e.Value) {
			return
		}
	}
}

// Index returns the slot's index within a name, for tables alongside.
func Index(name uint64) int { return int(name & indexMask) }

func (t *Table[T]) at(i uint32) *Entry[T] { return at(t.chunks, i) }

func at[T any](chunks []*[chunkSize]Entry[T], i uint32) *Entry[T] {
	c := chunks[i>>chunkBits]
	if c == nil { // never, but then the compiler need not read from it to see that
		return nil
	}
	return &c[i%chunkSize]
}
