package uring

import "sync/atomic"

// Unpublish takes back every entry handed out since the last Publish, which the
// kernel cannot have seen, and calls each with the user data of the entries, the
// latest first. each must not use the queue.
func (q *SQ) Unpublish(each func(userData uint64)) {
	published := atomic.LoadUint32(q.tail)
	for i := q.next; i != published; {
		i--
		each(q.sqes[i&q.mask].UserData)
	}
	q.next = published
}
