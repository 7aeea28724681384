package locking

import (
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// Reorder moves a request that waits for its lock to the end of another level. One
// that changes a lock it holds stays ahead of all levels.
func (s *Source) Reorder(id uint64, p ops.Priority, _ outside.Sink) {
	mu.Lock()
	defer mu.Unlock()
	w := s.waiters[id]
	if w == nil || w.node.Level() == prio.Top {
		return
	}
	l := w.line()
	l.list.Remove(&w.node)
	arrival++
	w.arrival = arrival
	l.list.Push(p.Level(), &w.node)
	if w.turn.Listed() {
		s.runnable.Remove(&w.turn)
		s.runnable.Push(p.Level(), &w.turn)
	}
	w.group.queue.review(w.group)
}
