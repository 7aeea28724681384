// Package timers keeps points in time in order, each under a small number, for
// requests that wait in user space or may be timed out.
package timers

import "github.com/sluicego/sluice/ops"

// arity of the heap. Four children share a cache line.
const arity = 4

// Heap holds at most one Instant per index. Adding, removing and taking the
// earliest cost O(log n). The zero Heap is empty and ready for use. It is not
// safe for concurrent use.
type Heap struct {
	items []item
	where []int32 // by index: its position in items plus one, 0 for none
}

type item struct {
	when  ops.Instant
	index uint32
	name  uint64
}

// Len returns the number of instants in the heap.
func (h *Heap) Len() int { return len(h.items) }

// Next returns the earliest instant, Never when there is none.
func (h *Heap) Next() ops.Instant {
	if len(h.items) == 0 {
		return ops.Never
	}
	return h.items[0].when
}

// Add enters an instant for index, which must not have one. name is handed back
// by Pop.
func (h *Heap) Add(index int, name uint64, when ops.Instant) {
	for len(h.where) <= index {
		h.where = append(h.where, 0)
	}
	h.items = append(h.items, item{})
	h.up(len(h.items)-1, item{when: when, index: uint32(index), name: name})
}

// Remove takes the instant of index out and reports whether there was one.
func (h *Heap) Remove(index int) bool {
	if index >= len(h.where) || h.where[index] == 0 {
		return false
	}
	h.removeAt(int(h.where[index] - 1))
	return true
}

// Pop removes and returns the name of the earliest instant if that is not after
// now.
func (h *Heap) Pop(now ops.Instant) (name uint64, ok bool) {
	if len(h.items) == 0 || h.items[0].when > now {
		return 0, false
	}
	name = h.items[0].name
	h.removeAt(0)
	return name, true
}

func (h *Heap) removeAt(pos int) {
	h.where[h.items[pos].index] = 0
	last := len(h.items) - 1
	moved := h.items[last]
	h.items = h.items[:last]
	if pos == last {
		return
	}
	if pos > 0 && moved.when < h.items[(pos-1)/arity].when {
		h.up(pos, moved)
	} else {
		h.down(pos, moved)
	}
}

// up places it at pos or as far above as it must be.
func (h *Heap) up(pos int, it item) {
	for pos > 0 {
		parent := (pos - 1) / arity
		if h.items[parent].when <= it.when {
			break
		}
		h.set(pos, h.items[parent])
		pos = parent
	}
	h.set(pos, it)
}

// down places it at pos or as far below as it must be.
func (h *Heap) down(pos int, it item) {
	for {
		first := pos*arity + 1
		if first >= len(h.items) {
			break
		}
		least := first
		for c := first + 1; c < min(first+arity, len(h.items)); c++ {
			if h.items[c].when < h.items[least].when {
				least = c
			}
		}
		if it.when <= h.items[least].when {
			break
		}
		h.set(pos, h.items[least])
		pos = least
	}
	h.set(pos, it)
}

func (h *Heap) set(pos int, it item) {
	h.items[pos] = it
	h.where[it.index] = int32(pos + 1)
}
