package workers

import (
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Reorder moves a job that has not begun to the end of another level.
func (p *Pool) Reorder(id uint64, level ops.Priority, _ outside.Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tasks[id]; t != nil && t.node.Listed() {
		p.queue.Remove(&t.node)
		p.queue.Push(level.Level(), &t.node)
	}
}
