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
type Table[T any] struct {
	chunks   []*[chunkSize]Entry[T]
	free     uint32 // index of the free slot that was used last, or none
	used     uint32 // slots that have a value
	made     uint32 // slots that were ever used
	capacity uint32
}

// Entry is a slot. Its name is that of the value in it. While it is free the name is
// that of the next value, but for the index: this is the next free slot's, or none.
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
	if t.free == none {
		return t.grow()
	}
	v, name, next := t.Reuse(t.free)
	t.Reused(next, 1)
	return v, name
}

// Free slots that were used before are taken one after the other by Reuse, from
// FirstFree on, with its successor, and given account of by Reused at the end: what
// is written in between would have to be read again at once.

// FirstFree returns the slot to begin with.
func (t *Table[T]) FirstFree() uint32 { return t.free }

// IsNone reports whether there is no further free slot that was used before.
func IsNone(free uint32) bool { return free == none }

// Reuse takes the slot free, and returns its value, its name, and the next free one. It
// is short enough to be inlined.
func (t *Table[T]) Reuse(free uint32) (*T, uint64, uint32) {
	e := t.at(free)
	next := uint32(e.name & indexMask)
	e.name = e.name&^indexMask | uint64(free)
	return &e.Value, e.name, next
}

// Reused says that n slots were taken, and which is the next.
func (t *Table[T]) Reused(next uint32, n int) {
	t.free = next
	t.used += uint32(n)
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
	t.Dropped(Drop(t.at(uint32(name&indexMask)), name, t.free), 1)
}

// Drop is Free for a slot that was found by name, in front of the free slot that follows.
// It returns the slot, for the next Drop and in the end for Dropped.
func Drop[T any](e *Entry[T], name uint64, follows uint32) uint32 {
	next := (name + 1<<indexBits) & nameMask &^ indexMask
	if next == 0 {
		next = 1 << indexBits // no generation is 0, so that no name is
	}
	e.name = next | uint64(follows)
	return uint32(name & indexMask)
}

// Dropped says that n slots were given back, and which was the last.
func (t *Table[T]) Dropped(free uint32, n int) {
	t.free = free
	t.used -= uint32(n)
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
