package locking

import (
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
)

// restTime is how long a thread without work stays.
const restTime = 100 * time.Millisecond

// thread is a goroutine with a thread of its own, which blocks in the kernel.
type thread struct {
	source *Source
	call   interrupt.Call
	next   chan *waiter // holds the one that it was woken for; closed to end it
}

// ready puts w among those that should block in the kernel.
func (w *waiter) ready() {
	w.source.runnable.Push(w.node.Level(), &w.turn)
	w.source.dispatch()
}

// unready undoes ready for one that has no thread yet.
func (w *waiter) unready() {
	if w.turn.Listed() {
		w.source.runnable.Remove(&w.turn)
	}
}

// dispatch gives those that are runnable to threads, while there are any.
func (s *Source) dispatch() {
	for s.runnable.Len() != 0 {
		n := len(s.rested)
		switch {
		case n != 0:
			t := s.rested[n-1]
			s.rested[n-1] = nil
			s.rested = s.rested[:n-1]
			t.next <- s.assign(t)
		case s.threads < s.limit:
			s.threads++
			t := &thread{source: s, next: make(chan *waiter, 1)}
			go t.start(s.assign(t))
		default:
			s.retryLater()
			return
		}
	}
}

// assign takes the most urgent runnable waiter for t.
func (s *Source) assign(t *thread) *waiter {
	w := s.runnable.First().Value
	s.runnable.Remove(&w.turn)
	w.thread = t
	return w
}

// start finds a thread that can end. The program's first thread cannot.
func (t *thread) start(w *waiter) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		t.work(w)
		return // with the thread
	}
	locked := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(locked)
		t.work(w)
	}()
	<-locked
	runtime.UnlockOSThread()
}

func (t *thread) work(w *waiter) {
	rest := time.NewTimer(restTime)
	defer rest.Stop()
	for w != nil {
		var errno syscall.Errno
		t.call.RunLocked(func() { errno = w.op.block(&t.call) })
		if w = t.settle(w, errno); w != nil {
			continue
		}
		rest.Reset(restTime)
		select {
		case w = <-t.next:
		case <-rest.C:
			w = t.retire()
		}
	}
}

// settle delivers the outcome of w and returns what t is to block for next; nil
// if it is to wait.
func (t *thread) settle(w *waiter, errno syscall.Errno) (next *waiter) {
	var grants []grant
	s := t.source
	mu.Lock()
	t.call.Reset()
	w.thread = nil
	switch {
	case errno == syscall.EINTR && !w.ended:
		// Somebody more urgent has come. Back to its place in the queue.
		s.stats.Preempted++
		w.line().active = nil
		w.group.queue.review(w.group)
	case errno == syscall.EINTR:
		grants = append(grants, grant{w.to, w.id, resultOf(syscall.ECANCELED)})
		w.leave()
	default:
		grants = append(grants, grant{w.to, w.id, resultOf(errno)})
		w.leave()
	}
	switch {
	case s.runnable.Len() != 0:
		next = s.assign(t)
	case s.closed:
		s.threads--
		close(t.next)
	default:
		s.rested = append(s.rested, t)
	}
	mu.Unlock()
	deliver(grants)
	return next
}

// retire ends t, unless it has been given work in this moment.
func (t *thread) retire() *waiter {
	mu.Lock()
	s := t.source
	i := slices.Index(s.rested, t)
	if i >= 0 {
		s.rested = slices.Delete(s.rested, i, i+1)
		s.threads--
	}
	mu.Unlock()
	if i < 0 {
		return <-t.next
	}
	return nil
}
