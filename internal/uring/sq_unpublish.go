package uring

import "sync/atomic"

// Unpublish takes back every entry handed out since the last Publish, which the
// kernel cannot have seen, and calls each with the user data of the entries, the
// latest first. each must not use the queue.
func (q *SQ) Unpublish(each func(userData uint64)) {
	q.TakeBack(q.next-atomic.LoadUint32(q.tail), each)
}

// TakeBack is Unpublish for the n entries that were handed out last.
func (q *SQ) TakeBack(n uint32, each func(userData uint64)) {
	for i := q.next; i != q.next-n; {
		i--
		each(q.sqes[i&q.mask].UserData)
	}
	q.next -= n
}
