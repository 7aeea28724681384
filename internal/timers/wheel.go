package timers

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/sluicego/sluice/ops"
)

// A digit is 6 bits of an Instant: 11 of them make up the 63 bits.
const (
	digitBits = 6
	digits    = 11
	slotCount = 1 << digitBits
)

// Wheel keeps timers of a Set in order of time, in nanoseconds. It is a
// hierarchical timing wheel: on the lowest level each slot is for one nanosecond,
// on every other level for as long as the level below takes for a turn. A timer is
// on the level of the highest digit in which its time differs from that of the
// wheel, and moves down as the two come closer.
//
// Adding and removing take constant time, and so does a timer's way down, which
// has at most digits steps. Whatever the levels do, a timer fires when its own
// time has come, never before, and in order of time; those of the same time in the
// order in which they were added.
//
// Make one with NewWheel. It is not safe for concurrent use.
type Wheel[E any] struct {
	set    *Set[E]
	base   ops.Instant // the time of the wheel; no timer is before it, but for late ones
	len    int
	levels [digits]level
	filled uint16 // levels that have timers

	next  ops.Instant // what Next returned, if known
	known bool
	due   []dueTimer // scratch of Expire
}

type level struct {
	filled uint64            // slots that have timers
	first  [slotCount]uint32 // index+1 of each slot's first timer
}

type dueTimer struct {
	when ops.Instant
	name uint64
}

// NewWheel returns an empty Wheel for timers of set.
func NewWheel[E any](set *Set[E], now ops.Instant) *Wheel[E] {
	return &Wheel[E]{set: set, base: now}
}

// Len returns the number of timers in the wheel.
func (w *Wheel[E]) Len() int { return w.len }

// Add enters a timer, which is in no wheel, nor in a list of one.
func (w *Wheel[E]) Add(name uint64, when ops.Instant) {
	i := uint32(name & indexMask)
	t := w.set.at(i)
	t.setPlace(listed)
	t.when = when
	w.insert(i, when)
	w.len++
	if w.known && when < w.next {
		w.next = when
	}
}

// Remove takes a timer out, if it is in this wheel, and reports whether it was.
func (w *Wheel[E]) Remove(name uint64) bool {
	i := uint32(name & indexMask)
	t := w.set.at(i)
	was := t.place()
	switch was {
	case listed:
		w.len--
		w.unlink(i)
		if t.when <= w.next {
			w.known = false
		}
	case due: // Expire, which has called fire for another, passes it over
	default:
		return false
	}
	t.setPlace(nowhere)
	return true
}

// Leave is Remove for a timer of which Is has been true, whose State from becomes to. The
// timer stays in its list until Forget, and must not be freed or added again before.
//
// That is so little, all of it inlined, that the processor gets to the next call while it
// still waits for the memory of this timer.
func (w *Wheel[E]) Leave(t *Timer[E], from, to uint8) {
	w.len--
	w.known = w.known && t.when > w.next
	t.word ^= uint64(listed^left)<<placeShift | uint64(from^to)
}

// Forget takes a timer that may have left the wheel out of the list where it stayed.
func (w *Wheel[E]) Forget(name uint64) {
	i := uint32(name & indexMask)
	if t := w.set.at(i); t.place() == left {
		w.unlink(i)
		t.setPlace(nowhere)
	}
}

// place returns the slot for a time.
func (w *Wheel[E]) place(when ops.Instant) (l, slot uint) {
	when = max(when, w.base)
	l = uint(63-bits.LeadingZeros64(uint64(when^w.base)|1)) / digitBits
	return l, uint(when>>(l*digitBits)) % slotCount
}

func (w *Wheel[E]) insert(i uint32, when ops.Instant) {
	t := w.set.at(i)
	l, slot := w.place(when)
	lv := &w.levels[l]
	first := lv.first[slot] - 1
	if lv.first[slot] == 0 {
		lv.first[slot] = i + 1
		lv.filled |= 1 << slot
		w.filled |= 1 << l
		t.next, t.prev = i|edge, i|edge
		return
	}
	f := w.set.at(first)
	last := f.prev &^ edge
	t.next, t.prev = first|edge, last
	f.prev = i | edge
	w.set.at(last).next = i
}

func (w *Wheel[E]) unlink(i uint32) {
	t := w.set.at(i)
	if t.prev&edge != 0 {
		l, slot := w.place(t.when)
		if t.next&edge != 0 {
			w.empty(l, slot)
			return
		}
		w.levels[l].first[slot] = t.next + 1
	}
	// Beside an edge one neighbour is at the other edge, and the other comes to this one.
	mark := (t.prev | t.next) & edge
	w.set.at(t.prev &^ edge).next = t.next | mark
	w.set.at(t.next &^ edge).prev = t.prev | mark
}

// empty notes that a slot has no timers.
func (w *Wheel[E]) empty(l, slot uint) {
	lv := &w.levels[l]
	lv.first[slot] = 0
	if lv.filled &^= 1 << slot; lv.filled == 0 {
		w.filled &^= 1 << l
	}
}

// earliest returns the slot that comes first, and when it begins. The wheel is
// not empty.
func (w *Wheel[E]) earliest() (l, slot uint, begin ops.Instant) {
	l = uint(bits.TrailingZeros16(w.filled))
	slot = uint(bits.TrailingZeros64(w.levels[l].filled))
	shift := l * digitBits
	begin = w.base>>shift>>digitBits<<digitBits | ops.Instant(slot)
	return l, slot, begin << shift
}

// nextScan is how many timers of a slot Next looks at.
const nextScan = 16

// Next returns the time of the earliest timer; Never when there is none. Among
// many in one slot it is not looked for: the slot's beginning is returned, which
// may be earlier. Calling Expire then makes the next answer a closer one.
func (w *Wheel[E]) Next() ops.Instant {
	if w.len == 0 {
		return ops.Never
	}
	if !w.known {
		w.next, w.known = w.look(), true
	}
	return w.next
}

// look finds what Next returns. Those that have left are in its way, and it takes them
// out of their lists.
func (w *Wheel[E]) look() ops.Instant {
	for {
		l, slot, begin := w.earliest()
		least, n := ops.Never, 0
		i := w.levels[l].first[slot] - 1
		for next := uint32(0); next&edge == 0; i = next {
			t := w.set.at(i)
			next = t.next
			if t.place() == left {
				w.unlink(i)
				t.setPlace(nowhere)
				continue
			}
			if n == nextScan {
				return begin
			}
			n++
			least = min(least, t.when)
		}
		if n != 0 {
			return least
		}
	}
}

// Expire takes the timers out that are due at now and calls fire for each. fire
// may add, remove and free any timer, but not call Expire.
func (w *Wheel[E]) Expire(now ops.Instant, fire func(name uint64, t *Timer[E])) {
	if now < w.base {
		w.turnBack(now)
	}
	if w.known && now < w.next {
		return
	}
	w.known = false
	for w.filled != 0 {
		l, slot, begin := w.earliest()
		if begin > now {
			break
		}
		w.open(l, slot, begin, now)
		for _, d := range w.due {
			i := uint32(d.name & indexMask)
			if t := w.set.at(i); t.place() == due && t.is(d.name) {
				t.setPlace(nowhere)
				fire(d.name, t)
			}
		}
		if cap(w.due) > dueKept {
			w.due = nil
		}
	}
	// What is left begins after now, so no slot is skipped.
	w.base = max(w.base, now)
}

// dueKept bounds the memory that Expire keeps for the next time.
const dueKept = 4096

// open empties a slot: timers that are due go to w.due, in order, the others to
// slots of lower levels.
func (w *Wheel[E]) open(l, slot uint, begin, now ops.Instant) {
	i := w.levels[l].first[slot] - 1
	w.empty(l, slot)
	// The wheel's time may advance to now, but not beyond this slot, whose
	// successors are still to be opened.
	last := begin + 1<<(l*digitBits) - 1
	w.base = max(w.base, min(now, last))
	w.due = w.due[:0]
	sorted := true
	for next := uint32(0); next&edge == 0; i = next {
		t := w.set.at(i)
		next = t.next
		switch {
		case t.place() == left:
			t.setPlace(nowhere)
		case t.when > now:
			w.insert(i, t.when)
		default:
			t.setPlace(due)
			if n := len(w.due); n != 0 && w.due[n-1].when > t.when {
				sorted = false
			}
			w.due = append(w.due, dueTimer{t.when, t.name(i)})
			w.len--
		}
	}
	if !sorted {
		slices.SortStableFunc(w.due, func(a, b dueTimer) int { return cmp.Compare(a.when, b.when) })
	}
}

// turnBack sets the wheel's time back, since its clock was. It places all timers
// anew.
func (w *Wheel[E]) turnBack(now ops.Instant) {
	all := w.due[:0]
	for w.filled != 0 {
		l, slot, _ := w.earliest()
		i := w.levels[l].first[slot] - 1
		for next := uint32(0); next&edge == 0; i = next {
			t := w.set.at(i)
			next = t.next
			if t.place() == left {
				t.setPlace(nowhere)
			} else {
				all = append(all, dueTimer{t.when, uint64(i)})
			}
		}
		w.empty(l, slot)
	}
	w.base, w.known = now, false
	for _, d := range all {
		w.insert(uint32(d.name), d.when)
	}
	w.due = all[:0]
}
