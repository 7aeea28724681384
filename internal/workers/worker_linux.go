package workers

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/goid"
	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/outside"
)

// worker is a goroutine of a Pool. It ends when its channel is closed.
type worker struct {
	pool   *Pool
	tasks  chan *task // holds the one that it was woken for
	task   *task      // being run; its own goroutine's
	parked int        // nested Parks; its own goroutine's
}

// byGoroutine finds the worker that a goroutine is, for Park.
var (
	byGoroutine sync.Map // goid: *worker
	population  atomic.Int32
)

// work runs jobs, the first of which is t, until it is told to end.
func (w *worker) work(t *task) {
	if !goid.Exact {
		// What cannot be told from its goroutine is told from its thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	me := goid.Current()
	byGoroutine.Store(me, w)
	population.Add(1)
	defer func() {
		byGoroutine.Delete(me)
		population.Add(-1)
		if w.task != nil {
			w.replace()
		}
	}()
	for t != nil {
		w.task = t
		res := w.perform(t)
		w.task = nil
		next := w.pool.settle(w, t)
		t.to.Deliver(t.id, res)
		if t = next; t == nil {
			t = <-w.tasks
		}
	}
}

// replace ends the job of a worker whose goroutine was ended by runtime.Goexit.
func (w *worker) replace() {
	p, t := w.pool, w.task
	w.task = nil
	if w.parked != 0 {
		w.parked = 1
		(*Parked)(w).Unpark()
	}
	p.mu.Lock()
	p.stats.Workers--
	p.stats.Running--
	delete(p.tasks, t.id)
	p.dispatch()
	p.mu.Unlock()
	t.to.Deliver(t.id, result(0, nil, errGoexit))
}

// settle ends t and returns what w is to run next; nil if it is to wait.
func (p *Pool) settle(w *worker, t *task) *task {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tasks, t.id)
	p.stats.Running--
	if p.queue.Len() != 0 && p.stats.Running < p.limit {
		return p.next()
	}
	if p.closed {
		p.stats.Workers--
		close(w.tasks)
		return nil
	}
	p.rested = append(p.rested, w)
	if p.trimmer == nil {
		p.least = 0 // a full period must pass
		p.trimmer = time.AfterFunc(p.idle, p.trim)
	}
	return nil
}

// perform runs a job, unless it was cancelled meanwhile.
func (w *worker) perform(t *task) (res outside.Result) {
	defer func() {
		if v := recover(); v != nil {
			w.pool.mu.Lock()
			w.pool.stats.Panicked++
			w.pool.mu.Unlock()
			res = result(0, nil, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	ctx, cancel, ok := w.pool.begin(t)
	if cancel != nil {
		defer cancel()
	}
	switch {
	case !ok:
		return canceled
	case t.job.Plain != nil && t.call == nil:
		n, err := t.job.Plain()
		return result(n, nil, err)
	case t.call == nil:
		return result(t.job.Full(ctx))
	}
	t.call.Run(func() {
		if t.job.Plain != nil {
			n, err := t.job.Plain()
			res = result(n, nil, err)
			return
		}
		res = result(t.job.Full(ctx))
	})
	if t.call.Interrupted() && res.Res == -int32(syscall.EINTR) {
		return canceled
	}
	return res
}

// begin notes how a job that is about to run can be ended. It reports false if it
// need not run any more.
func (p *Pool) begin(t *task) (ctx context.Context, cancel context.CancelFunc, ok bool) {
	if t.job.Full != nil {
		ctx, cancel = context.WithCancel(context.Background())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.ended {
		p.stats.Canceled++
		return ctx, cancel, false
	}
	t.cancel = cancel
	if t.job.Interruptible {
		t.call = new(interrupt.Call)
	}
	return ctx, cancel, true
}
