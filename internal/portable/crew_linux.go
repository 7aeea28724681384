package portable

import (
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// class divides calls for workers, as the kernel does: those that end by themselves
// never wait for those that may block without end, so that a full set of these holds
// nothing up but their like (trap 48).
type class uint8

const (
	bounded   class = iota // of regular files and names
	unbounded              // of all else
	classes
)

// crew is the workers of an Engine, whose mu guards it. A worker runs one call at a
// time, and is started when there is none idle. It ends after idleTime without one,
// or when the Engine is closed.
type crew struct {
	limit    [classes]int
	running  [classes]int
	queue    [classes]prio.List[*request]
	idle     []*worker // the last to come is the first to go
	count    int       // goroutines
	settling bool      // a worker takes in its result
	gone     chan struct{}
}

// idleTime is how long a worker stays without work.
const idleTime = 2 * time.Second

// worker is a goroutine that carries out calls which can block.
type worker struct {
	e    *Engine
	wake chan *request // holds the one that it was woken for; nil ends it
	call interrupt.Call
	q    *request // being carried out
	res  int32
	body func()
}

// work gives q to the crew. What q uses by number must be the same file when its
// turn comes, whoever closes that meanwhile.
func (e *Engine) work(q *request) {
	if q.call.SQE.Flags&uring.SQEFlagBufferSelect != 0 && q.group == nil && !e.reserve(q) {
		e.end(q, -int32(syscall.ENOBUFS), 0)
		return
	}
	q.class = unbounded
	if usesFile[q.call.SQE.Opcode] {
		e.secure(q)
	} else if ends := q.call.SQE.Opcode; ends != uring.OpOpenat && ends != uring.OpOpenat2 && ends != uring.OpClose && ends != uring.OpEpollCtl {
		q.class = bounded // but opening a FIFO waits for its other end
	}
	q.state = working
	e.expose(q)
	c := &e.crew
	c.queue[q.class].Push(levelOf(&q.call.SQE).Level(), &q.job)
	c.dispatch(e)
}

// secure makes q independent of the number of its descriptor. That of a regular file
// is not duplicated, since closing the duplicate would end the record locks of the
// process (fcntl(2)); a close through the Engine waits for its calls instead, which
// end by themselves.
func (e *Engine) secure(q *request) {
	if q.call.Hint&(perform.Regular|perform.Pollable) == 0 && isRegular(q.call.FD) {
		q.call.Hint |= perform.Regular
	}
	if q.call.Hint&perform.Regular != 0 {
		q.class = bounded
		if q.file == nil && q.reg == nil && q.call.FD >= 0 {
			q.reg = e.registration(q.call.FD)
			q.reg.busy++
		}
	} else if q.file == nil {
		q.file = e.duplicate(&q.call.FD)
	}
	if q.fileIn == nil && (q.call.SQE.Opcode == uring.OpSplice || q.call.SQE.Opcode == uring.OpTee) &&
		q.call.HintIn&perform.Regular == 0 && !isRegular(q.call.FDIn) {
		q.class = unbounded
		q.fileIn = e.duplicate(&q.call.FDIn)
	}
}

// duplicate replaces *fd by a duplicate, and returns what owns that. Where there is
// none to be had, the number is used, and must stay the same file.
func (e *Engine) duplicate(fd *int32) *file {
	d, err := unix.FcntlInt(uintptr(*fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	*fd = int32(d)
	return e.files.file(int32(d))
}

func isRegular(fd int32) bool {
	var st unix.Stat_t
	if unix.Fstat(int(fd), &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFDIR:
		return true
	}
	return false
}

// unbusy undoes what secure noted about the number of q's descriptor.
func (e *Engine) unbusy(q *request) {
	reg := q.reg
	if reg == nil {
		return
	}
	q.reg = nil
	if reg.busy--; reg.busy == 0 {
		for c := reg.closers.pop(); c != nil; c = reg.closers.pop() {
			e.resume(c)
		}
	}
}

// levelOf returns the priority that an entry's ioprio stands for.
func levelOf(sqe *uring.SQE) ops.Priority {
	switch sqe.Opcode {
	case uring.OpRead, uring.OpReadv, uring.OpReadFixed, uring.OpReadvFixed,
		uring.OpWrite, uring.OpWritev, uring.OpWriteFixed, uring.OpWritevFixed:
	default:
		return ops.Normal // the field means something else
	}
	const classShift, bestEffort = 13, 2
	level := sqe.Ioprio & (1<<classShift - 1)
	switch class := sqe.Ioprio >> classShift; {
	case class == 0:
		return ops.Normal
	case class < bestEffort, class == bestEffort && level == 0:
		return ops.Highest
	case class == bestEffort && level < 4:
		return ops.High
	case class == bestEffort && level == 4:
		return ops.Normal
	case class == bestEffort && level < 7:
		return ops.Low
	}
	return ops.Lowest
}

// dispatch gives queued requests to workers.
func (c *crew) dispatch(e *Engine) {
	if c.settling {
		return // at its end
	}
	for q := c.next(); q != nil; q = c.next() {
		if n := len(c.idle); n != 0 {
			w := c.idle[n-1]
			c.idle[n-1] = nil
			c.idle = c.idle[:n-1]
			w.take(q)
			w.wake <- q
			continue
		}
		w := &worker{e: e, wake: make(chan *request, 1)}
		w.body = func() { w.res = w.q.call.Do() }
		c.count++
		w.take(q)
		go w.work(q)
	}
}

// next takes the first request that may run out of the queues, or returns nil.
func (c *crew) next() *request {
	for class := range c.queue {
		if l := &c.queue[class]; l.Len() != 0 && c.running[class] < c.limit[class] {
			q := l.First().Value
			l.Remove(&q.job)
			c.running[class]++
			return q
		}
	}
	return nil
}

// remove takes q out of the queue, and reports whether it was there.
func (c *crew) remove(q *request) bool {
	if !q.job.Listed() {
		return false
	}
	c.queue[q.class].Remove(&q.job)
	return true
}

// dismiss ends the workers that are idle.
func (c *crew) dismiss() {
	for _, w := range c.idle {
		w.wake <- nil
	}
	c.idle = nil
	c.gone = make(chan struct{})
	if c.count == 0 {
		close(c.gone)
	}
}

// wait waits for all workers to end after dismiss, for at most bound.
func (c *crew) wait(bound time.Duration) {
	t := time.NewTimer(bound)
	defer t.Stop()
	select {
	case <-c.gone:
	case <-t.C:
	}
}

// take prepares w for q.
func (w *worker) take(q *request) {
	w.call.Reset()
	w.q, q.worker = q, w
}

// work carries out calls, the first of which is q, until there is no more to do.
func (w *worker) work(q *request) {
	idle := time.NewTimer(idleTime)
	defer idle.Stop()
	for q != nil {
		w.perform(q)
		if q = w.settle(q); q != nil {
			continue
		}
		idle.Reset(idleTime)
		select {
		case q = <-w.wake:
		case <-idle.C:
			if w.retire() {
				return
			}
			q = <-w.wake // it was given one just now
		}
	}
	w.e.mu.Lock()
	w.e.crew.leave()
	w.e.mu.Unlock()
}

// perform carries q out.
func (w *worker) perform(q *request) {
	for {
		switch {
		case q.creds != nil:
			runAs(q.creds, w)
		case q.class == bounded:
			w.body()
		default:
			w.call.Run(w.body)
		}
		// Some signal of the process's own may have interrupted it.
		if w.res != -int32(syscall.EINTR) || w.call.Interrupted() {
			return
		}
	}
}

// settle takes the result, and returns what w is to do next, nil for nothing.
func (w *worker) settle(q *request) *request {
	e := w.e
	e.mu.Lock()
	defer e.unlockAndWake()
	c := &e.crew
	c.running[q.class]--
	w.q, q.worker = nil, nil
	if e.closed {
		w.wake <- nil
		return nil
	}
	c.settling = true // what follows from q is for w first
	e.unbusy(q)
	gate := q.pass()
	q.state = trying
	if e.finish(q, w.res) {
		e.attempt(q, false)
	}
	e.admit(gate)
	e.run()
	c.settling = false
	next := c.next()
	if next != nil {
		w.take(next)
	} else {
		c.idle = append(c.idle, w)
	}
	c.dispatch(e)
	return next
}

// retire ends a worker that has been idle, unless it was given work just now.
func (w *worker) retire() bool {
	c := &w.e.crew
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	i := slices.Index(c.idle, w)
	if i < 0 {
		return false
	}
	c.idle = slices.Delete(c.idle, i, i+1)
	c.leave()
	return true
}

// leave counts a worker that ends.
func (c *crew) leave() {
	if c.count--; c.count == 0 && c.gone != nil {
		close(c.gone)
	}
}
