package portable

import (
	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/internal/uring"
)

// request is an entry that was taken out of the submission queue. Its life:
//
//	linked -> trying -> waiting | polling | timing | working -> (ended: it is free)
//
// with waiting, polling and working going back to trying.
type request struct {
	call  perform.Call // the entry, and what was done of it
	state state
	marks mark

	next, prev *request // neighbours in a list
	hashed     *request // the next with the same hash
	link       *request // the next of its chain

	reg    *registration // that it waits for
	list   *list         // the one of reg that it is in
	period uint32        // of the sweeper, when it began to wait
	events uint32        // polling: poll(2) events

	gate         *registration // whose accepter it is
	file, fileIn *file         // registered files that it uses, or private duplicates
	group        *group        // that its buffer was taken from, ahead of its end
	buffer       uint16        // and that buffer

	when  int64 // timing: the instant on its clock
	clock uint8
	place int // in the heap of that

	job    prio.Node[*request] // working: in the crew's queue
	class  class
	worker *worker
	creds  *creds
}

// state is where a request is.
type state uint8

const (
	linked  state = iota // behind another in its chain
	trying               // being attempted, or in Engine.running
	waiting              // in a list of its registration, for readiness
	polling              // in a list of its registration, a poll
	timing               // in the heap of a clock
	working              // with the crew
	closing              // a close that waits for workers to let go of the file
)

// mark is a set of facts about a request.
type mark uint8

const (
	multi     mark = 1 << iota // multishot
	canceled                   // it is to end early
	verified                   // its wait is known not to be in vain
	unfailing                  // a timeout whose end is a success
	findable                   // it is in Engine.table
)

// list is a queue of requests.
type list struct{ first, last *request }

func (l *list) push(q *request) {
	q.prev, q.next = l.last, nil
	if l.last == nil {
		l.first = q
	} else {
		l.last.next = q
	}
	l.last = q
}

func (l *list) pushFront(q *request) {
	q.prev, q.next = nil, l.first
	if l.first == nil {
		l.last = q
	} else {
		l.first.prev = q
	}
	l.first = q
}

func (l *list) remove(q *request) {
	if q.prev == nil {
		l.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		l.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.next, q.prev = nil, nil
}

func (l *list) pop() *request {
	q := l.first
	if q != nil {
		l.remove(q)
	}
	return q
}

// take returns a request for an entry.
func (e *Engine) take(sqe *uring.SQE) *request {
	q := e.free
	if q == nil {
		q = new(request)
		q.job.Value = q
	} else {
		e.free, q.next = q.next, nil
	}
	q.call.SQE = *sqe
	return q
}

// give takes a request back.
func (e *Engine) give(q *request) {
	job := q.job
	*q = request{job: job, next: e.free}
	e.free = q
}

// table finds requests by their user data. It is a hash table whose chains run
// through the requests. User data that Package ring makes differs in its low bits.
type table struct {
	buckets []*request
	len     int
}

const leastBuckets = 64

func (t *table) bucket(user uint64) **request {
	return &t.buckets[user&uint64(len(t.buckets)-1)]
}

func (t *table) add(q *request) {
	if t.len >= len(t.buckets) {
		old := t.buckets
		t.buckets = make([]*request, max(leastBuckets, 2*len(old)))
		for _, q := range old {
			for q != nil {
				next := q.hashed
				b := t.bucket(q.call.SQE.UserData)
				q.hashed, *b = *b, q
				q = next
			}
		}
	}
	b := t.bucket(q.call.SQE.UserData)
	q.hashed, *b = *b, q
	t.len++
}

func (t *table) remove(q *request) {
	b := t.bucket(q.call.SQE.UserData)
	for *b != q {
		b = &(*b).hashed
	}
	*b, q.hashed = q.hashed, nil
	t.len--
}

// find returns the first request with that user data that match accepts, or nil.
func (t *table) find(user uint64, match func(*request) bool) *request {
	if t.len == 0 {
		return nil
	}
	for q := *t.bucket(user); q != nil; q = q.hashed {
		if q.call.SQE.UserData == user && (match == nil || match(q)) {
			return q
		}
	}
	return nil
}

// all yields the requests in the table, which may be removed meanwhile.
func (t *table) all(yield func(*request) bool) {
	for i := range t.buckets {
		for q := t.buckets[i]; q != nil; {
			next := q.hashed
			if !yield(q) {
				return
			}
			q = next
		}
	}
}
