package prio

import "math/bits"

// lists is the number of levels of a List: one more than requests have, on top.
const lists = 6

// Top is the level of a List above those of all requests.
const Top = lists - 1

// List is a Queue from whose middle values can be removed. The zero List is empty
// and ready for use. It is not safe for concurrent use.
type List[T any] struct {
	first, last [lists]*Node[T]
	filled      uint // bit i is set while first[i] is not nil
	len         int
}

// Node holds a value that is in at most one List at a time.
type Node[T any] struct {
	Value      T
	next, prev *Node[T]
	level      int8
	listed     bool
}

// Listed reports whether the node is in a List.
func (n *Node[T]) Listed() bool { return n.listed }

// Level returns the level that the node was pushed to last.
func (n *Node[T]) Level() int { return int(n.level) }

// Len returns the number of nodes in the list.
func (l *List[T]) Len() int { return l.len }

// Push appends n, which is in no List, to a level: that of a Priority, or Top.
func (l *List[T]) Push(level int, n *Node[T]) {
	n.level, n.listed = int8(level), true
	n.prev, n.next = l.last[level], nil
	if n.prev == nil {
		l.first[level] = n
		l.filled |= 1 << level
	} else {
		n.prev.next = n
	}
	l.last[level] = n
	l.len++
}

// First returns the first node of the highest level that has one, or nil.
func (l *List[T]) First() *Node[T] {
	if l.len == 0 {
		return nil
	}
	return l.first[bits.Len(l.filled)-1]
}

// Remove takes n out of the list, which it must be in.
func (l *List[T]) Remove(n *Node[T]) {
	if n.prev == nil {
		l.first[n.level] = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last[n.level] = n.prev
	} else {
		n.next.prev = n.prev
	}
	if l.first[n.level] == nil {
		l.filled &^= 1 << n.level
	}
	n.next, n.prev, n.listed = nil, nil, false
	l.len--
}
