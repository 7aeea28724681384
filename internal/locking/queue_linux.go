package locking

import (
	"sync"
	"sync/atomic"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// mu guards the queues of the process and all that hangs on them: queues,
// waiters, threads and Sources. No Sink is called under it. It is locked under a
// Ring's lock; under it are locked only interrupt.Calls.
var (
	mu      sync.Mutex
	queues  = map[key]*queue{}
	arrival uint64       // of the waiter that came last
	waiting atomic.Int64 // waiters in all queues; changed under mu
)

// queue holds the requests that wait for one thing.
type queue struct {
	key    key
	groups []*group // one for each range that somebody waits for
}

// group holds those that wait for the same range. Requests of the same kind are
// granted in order, so of each kind only the first can be runnable.
type group struct {
	queue      *queue
	start, end int64
	line       [2]line // LockShared, LockExclusive
}

// line is a queue of requests of one kind.
type line struct {
	list   prio.List[*waiter]
	active *waiter // runnable or blocked; nil for none
}

// waiter is a request that waits.
type waiter struct {
	node    prio.Node[*waiter] // in line.list, as long as it waits
	turn    prio.Node[*waiter] // in Source.runnable
	op      operation
	group   *group
	arrival uint64
	thread  *thread // that blocks for it; nil for none
	ended   bool    // it was cancelled while blocked
	source  *Source
	to      outside.Sink
	id      uint64
}

// grant is a result that is to be delivered once mu is unlocked.
type grant struct {
	to  outside.Sink
	id  uint64
	res outside.Result
}

func deliver(grants []grant) {
	for _, g := range grants {
		g.to.Deliver(g.id, g.res)
	}
}

// before reports whether w comes before v in order of priority and arrival.
func (w *waiter) before(v *waiter) bool {
	if w.node.Level() != v.node.Level() {
		return w.node.Level() > v.node.Level()
	}
	return w.arrival < v.arrival
}

func (w *waiter) line() *line { return &w.group.line[w.op.kind] }

func (g *group) overlaps(start, end int64) bool { return g.start < end && start < g.end }

func (g *group) empty() bool {
	return g.line[ops.LockShared].list.Len() == 0 && g.line[ops.LockExclusive].list.Len() == 0
}

// join adds w at the end of its level.
func (q *queue) join(w *waiter, level int) {
	for _, g := range q.groups {
		if g.start == w.op.start && g.end == w.op.end {
			w.group = g
		}
	}
	if w.group == nil {
		w.group = &group{queue: q, start: w.op.start, end: w.op.end}
		q.groups = append(q.groups, w.group)
	}
	arrival++
	w.arrival = arrival
	w.node.Value, w.turn.Value = w, w
	w.line().list.Push(level, &w.node)
	waiting.Add(1)
	q.review(w.group)
}

// leave takes w out, which is not blocked any more.
func (w *waiter) leave() {
	g, l := w.group, w.line()
	l.list.Remove(&w.node)
	if l.active == w {
		l.active = nil
		w.unready()
	}
	delete(w.source.waiters, w.id)
	waiting.Add(-1)
	g.queue.review(g)
	if !g.empty() {
		return
	}
	q := g.queue
	for i, other := range q.groups {
		if other == g {
			last := len(q.groups) - 1
			q.groups[i], q.groups[last] = q.groups[last], nil
			q.groups = q.groups[:last]
			break
		}
	}
	if len(q.groups) == 0 {
		delete(queues, q.key)
	}
}

// obstructed reports whether somebody who waits for a range that overlaps must be
// granted before a request of that kind, level and arrival.
func (q *queue) obstructed(op *operation, than *waiter) bool {
	for _, g := range q.groups {
		if !g.overlaps(op.start, op.end) {
			continue
		}
		if n := g.line[ops.LockExclusive].list.First(); n != nil && n.Value != than && n.Value.before(than) {
			return true
		}
		if op.kind != ops.LockExclusive {
			continue
		}
		if n := g.line[ops.LockShared].list.First(); n != nil && n.Value != than && n.Value.before(than) {
			return true
		}
	}
	return false
}

// review finds out who can be granted next, after a change in group changed.
func (q *queue) review(changed *group) {
	for _, g := range q.groups {
		if g.overlaps(changed.start, changed.end) {
			g.reviewLine(&g.line[ops.LockExclusive])
			g.reviewLine(&g.line[ops.LockShared])
		}
	}
}

func (g *group) reviewLine(l *line) {
	var first *waiter
	if n := l.list.First(); n != nil && !g.queue.obstructed(&n.Value.op, n.Value) {
		first = n.Value
	}
	if a := l.active; a != nil && a != first {
		if a.thread != nil {
			// It is interrupted, and reviewed when it is out of the kernel. One
			// that is being granted at this moment has come first.
			a.thread.call.Interrupt()
			return
		}
		a.unready()
		l.active = nil
	}
	if first != nil && l.active == nil {
		l.active = first
		first.ready()
	}
}
