package prio

import (
	"math/bits"

	"github.com/sluicego/sluice/ops"
)

// Levels is a set of levels: bit i stands for the one of rank i.
type Levels uint8

// AllLevels are those of all priorities.
const AllLevels Levels = 1<<ops.Levels - 1

// From returns p's level and those above.
func From(p ops.Priority) Levels { return AllLevels << p.Level() & AllLevels }

// Order is a queue of small numbers, such as the indices of slots. The highest
// level comes first, and within a level what came in first, but for those that
// have been passed over for too long: see Patience. Entries can be removed from
// anywhere; every operation takes constant time. An Order needs 12 bytes for each
// number up to the largest that was ever in it.
//
// The zero Order is empty and ready for use. It is not safe for concurrent use.
type Order struct {
	// Patience is how often the first entry of a level lets others go before it.
	// Then it goes first, whatever waits above. Several levels can get there
	// together, so the bound for each is Patience + ops.Levels - 1. With zero,
	// patience has no end.
	Patience int

	places      []place
	first, last [ops.Levels]uint32 // number+1, 0 for none
	passed      [ops.Levels]int    // how often others went while the first waited
	filled      Levels             // levels that have entries
	overdue     Levels             // levels whose patience has ended
	len         int
}

// place is where a number is. Neighbours are given as number+1, 0 for none.
type place struct {
	next, prev uint32
	level      int8 // plus one, 0 while the number is not in the queue
}

// Len returns the number of entries.
func (o *Order) Len() int { return o.len }

// Filled returns the levels that have entries.
func (o *Order) Filled() Levels { return o.filled }

// Overdue returns the levels whose first entry has been passed over for too long.
func (o *Order) Overdue() Levels { return o.overdue }

// Push appends n, which is not in the queue, to a level.
func (o *Order) Push(p ops.Priority, n int) {
	l := p.Level()
	last := o.last[l]
	*o.enter(l, n) = place{prev: last, level: int8(l) + 1}
	if last == 0 {
		o.first[l] = uint32(n) + 1
	} else {
		o.places[last-1].next = uint32(n) + 1
	}
	o.last[l] = uint32(n) + 1
}

// PushFront puts n, which is not in the queue, before the others of a level.
func (o *Order) PushFront(p ops.Priority, n int) {
	l := p.Level()
	first := o.first[l]
	*o.enter(l, n) = place{next: first, level: int8(l) + 1}
	if first == 0 {
		o.last[l] = uint32(n) + 1
	} else {
		o.places[first-1].prev = uint32(n) + 1
	}
	o.first[l] = uint32(n) + 1
}

// enter counts n in and returns its place.
func (o *Order) enter(l, n int) *place {
	if n >= len(o.places) {
		o.places = append(o.places, make([]place, n+1-len(o.places))...)
	}
	o.filled |= 1 << l
	o.len++
	return &o.places[n]
}

// Next returns the entry whose turn it is among those of the open levels. It
// reports false if they have none.
func (o *Order) Next(open Levels) (n int, ok bool) {
	f := o.filled & open
	if f == 0 {
		return 0, false
	}
	l := bits.Len8(uint8(f)) - 1
	if late := f & o.overdue; late != 0 {
		l = o.latest(late)
	}
	return int(o.first[l]) - 1, true
}

// latest returns which of some levels was passed over most often.
func (o *Order) latest(of Levels) int {
	most := bits.Len8(uint8(of)) - 1
	for l := most - 1; l >= 0; l-- {
		if of>>l&1 != 0 && o.passed[l] > o.passed[most] {
			most = l
		}
	}
	return most
}

// Take removes n, which Next has returned, because it goes ahead.
func (o *Order) Take(n int) {
	l := int(o.places[n].level) - 1
	o.Remove(n)
	o.passed[l] = 0
	o.overdue &^= 1 << l
	if o.Patience > 0 && o.filled&^(1<<l) != 0 {
		o.pass(l)
	}
}

// pass notes that an entry of level l went while others waited.
func (o *Order) pass(l int) {
	for rest := o.filled &^ (1 << l); rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros8(uint8(rest))
		if o.passed[i]++; o.passed[i] >= o.Patience {
			o.overdue |= 1 << i
		}
	}
}

// Remove takes n out and reports whether it was there.
func (o *Order) Remove(n int) bool {
	if n >= len(o.places) || o.places[n].level == 0 {
		return false
	}
	p := o.places[n]
	l := int(p.level) - 1
	o.places[n] = place{}
	if p.prev == 0 {
		o.first[l] = p.next
	} else {
		o.places[p.prev-1].next = p.next
	}
	if p.next == 0 {
		o.last[l] = p.prev
	} else {
		o.places[p.next-1].prev = p.prev
	}
	if o.first[l] == 0 {
		o.filled &^= 1 << l
		o.overdue &^= 1 << l
		o.passed[l] = 0
	}
	o.len--
	return true
}
