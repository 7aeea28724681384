// Package prio is a queue with a few levels of priority: the highest level comes
// out first, and within a level what came in first.
package prio

import (
	"math/bits"

	"github.com/sluicego/sluice/ops"
)

// Queue holds values at the levels of ops.Priority. The zero Queue is empty and
// ready for use. It is not safe for concurrent use.
type Queue[T any] struct {
	levels [ops.Levels]fifo[T]
	filled uint // bit i is set while levels[i] holds something
	len    int
}

// Len returns the number of values in the queue.
func (q *Queue[T]) Len() int { return q.len }

// Push appends v to its level.
func (q *Queue[T]) Push(p ops.Priority, v T) {
	i := p.Level()
	q.levels[i].push(v)
	q.filled |= 1 << i
	q.len++
}

// Peek returns the value that Pop would return, or nil when the queue is empty.
// The pointer holds until the next Push or Pop.
func (q *Queue[T]) Peek() *T {
	if q.len == 0 {
		return nil
	}
	return q.levels[q.top()].front()
}

// Ahead returns the value of which Pop would return the first, that many values behind
// it in its level, or nil when there are not so many. It holds as long as Peek's.
func (q *Queue[T]) Ahead(i int) *T {
	if q.len == 0 {
		return nil
	}
	l := &q.levels[q.top()]
	if i >= l.len() {
		return nil
	}
	return &l.buf[(l.head+uint(i))&uint(len(l.buf)-1)]
}

// Pop removes the first value of the highest level that has one. The queue must
// not be empty.
func (q *Queue[T]) Pop() T {
	i := q.top()
	v := q.levels[i].pop()
	q.len--
	if q.levels[i].len() == 0 {
		q.filled &^= 1 << i
	}
	return v
}

// Move takes the values for which match is true from one level to the end of
// another. It looks at all of the level.
func (q *Queue[T]) Move(from, to ops.Priority, match func(T) bool) {
	f, t := &q.levels[from.Level()], &q.levels[to.Level()]
	for range f.len() {
		if v := f.pop(); match(v) {
			t.push(v)
			q.filled |= 1 << to.Level()
		} else {
			f.push(v)
		}
	}
	if f.len() == 0 {
		q.filled &^= 1 << from.Level()
	}
}

func (q *Queue[T]) top() int { return bits.Len(q.filled) - 1 }

// fifo is a ring buffer that doubles when it is full. Both indices run freely
// and are masked at the access.
type fifo[T any] struct {
	buf        []T
	head, tail uint
}

func (f *fifo[T]) len() int { return int(f.tail - f.head) }

func (f *fifo[T]) front() *T { return &f.buf[f.head&uint(len(f.buf)-1)] }

func (f *fifo[T]) push(v T) {
	if f.len() == len(f.buf) {
		f.double()
	}
	f.buf[f.tail&uint(len(f.buf)-1)] = v
	f.tail++
}

func (f *fifo[T]) pop() T {
	at := f.front()
	v := *at
	var zero T
	*at = zero
	f.head++
	return v
}

func (f *fifo[T]) double() {
	grown := make([]T, max(16, 2*len(f.buf)))
	n := uint(f.len())
	for i := range n {
		grown[i] = f.buf[(f.head+i)&uint(len(f.buf)-1)]
	}
	f.buf, f.head, f.tail = grown, 0, n
}
