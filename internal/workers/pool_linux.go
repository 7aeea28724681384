package workers

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/ops"
)

// idleTime is how long a worker must not have been needed before it ends.
const idleTime = 2 * time.Second

// Pool runs the jobs of one Ring. It is an outside.Source for call requests. Make
// one with New.
type Pool struct {
	limit int
	idle  time.Duration // how long unneeded workers stay

	// mu guards what follows. It is a leaf: nothing is locked under it but what an
	// interrupt needs, and no Sink is called.
	mu      sync.Mutex
	tasks   map[uint64]*task // all that are queued or run
	queue   prio.List[*task]
	rested  []*worker // idle workers; the last to come is the first to go
	least   int       // smallest len(rested) since trim looked
	trimmer *time.Timer
	closed  bool
	stats   Stats
}

// Stats describes a Pool at one moment.
type Stats struct {
	Limit   int // jobs that may hold a slot
	Workers int // goroutines, those without a job included
	Idle    int // of these, without a job
	Running int // jobs that hold a slot
	Waiting int // jobs that gave theirs up while they wait for other requests
	Queued  int // jobs that wait for a slot

	Peak     int    // most Workers there ever were
	Started  uint64 // jobs that were run
	Panicked uint64 // of these, those that panicked
	Canceled uint64 // jobs that were cancelled before they ran
}

// task is a job that was submitted. Pool.mu guards it.
type task struct {
	node  prio.Node[*task]
	id    uint64
	to    outside.Sink
	job   *Job
	ended bool // it is to end early

	cancel context.CancelFunc // while it runs with a context
	call   *interrupt.Call    // while it runs interruptibly
}

// New returns a Pool that runs up to limit jobs at a time, on goroutines that are
// started when needed and end when not.
func New(limit int) *Pool {
	return &Pool{limit: limit, idle: idleTime, tasks: map[uint64]*task{}}
}

// Start runs req's Job on a worker, or queues it behind those of the same and of
// higher priorities.
func (p *Pool) Start(id uint64, req *ops.Request, to outside.Sink) (outside.Result, bool) {
	job, ok := req.Arg.(*Job)
	if !ok || job == nil || (job.Plain == nil) == (job.Full == nil) {
		return outside.Result{Res: -int32(syscall.EINVAL)}, true
	}
	t := &task{id: id, to: to, job: job}
	t.node.Value = t
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return canceled, true
	}
	p.tasks[id] = t
	p.queue.Push(req.Priority.Level(), &t.node)
	p.dispatch()
	return outside.Result{}, false
}

// Cancel ends a job that has not begun, and asks one that has to end.
func (p *Pool) Cancel(id uint64, _ outside.Sink) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tasks[id]
	switch {
	case t == nil:
		return false
	case t.node.Listed():
		p.queue.Remove(&t.node)
		delete(p.tasks, id)
		p.stats.Canceled++
		return true
	}
	t.ended = true
	if t.cancel != nil {
		t.cancel()
	}
	if t.call != nil {
		t.call.Interrupt()
	}
	return false
}

// dispatch gives queued jobs to workers while there are slots.
func (p *Pool) dispatch() {
	for p.stats.Running < p.limit && p.queue.Len() != 0 {
		t := p.next()
		if n := len(p.rested); n != 0 {
			w := p.rested[n-1]
			p.rested[n-1] = nil
			p.rested = p.rested[:n-1]
			p.least = min(p.least, n-1)
			w.tasks <- t
			continue
		}
		p.stats.Workers++
		p.stats.Peak = max(p.stats.Peak, p.stats.Workers)
		w := &worker{pool: p, tasks: make(chan *task, 1)}
		go w.work(t)
	}
}

// next takes the most urgent job out of the queue, with a slot for it. There is
// one of each.
func (p *Pool) next() *task {
	t := p.queue.First().Value
	p.queue.Remove(&t.node)
	p.stats.Running++
	p.stats.Started++
	return t
}

// Close ends the workers, once none of their jobs is pending any more.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.dismiss(len(p.rested))
	if p.trimmer != nil {
		p.trimmer.Stop()
	}
}

// trim ends the workers that were idle all the time since it looked last.
func (p *Pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dismiss(p.least)
	p.least = len(p.rested)
	if p.closed || p.least == 0 {
		p.trimmer = nil
		return
	}
	p.trimmer.Reset(p.idle)
}

// dismiss ends the n workers that have been idle for longest.
func (p *Pool) dismiss(n int) {
	for _, w := range p.rested[:n] {
		close(w.tasks)
	}
	kept := copy(p.rested, p.rested[n:])
	clear(p.rested[kept:])
	p.rested = p.rested[:kept]
	p.stats.Workers -= n
}

// Stats returns the counts of this moment.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Limit, s.Idle, s.Queued = p.limit, len(p.rested), p.queue.Len()
	return s
}
