package locking

import (
	"syscall"
	"time"
)

// The interval at which requests without a thread are tried doubles from the
// first to the last, and starts again when one of them was granted.
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// retries bounds the attempts made at a time, under mu.
const retries = 64

// retryLater starts the timer.
func (s *Source) retryLater() {
	if s.retrying || s.closed {
		return
	}
	s.retrying = true
	s.pause = max(s.pause, firstPause)
	if s.timer == nil {
		s.timer = time.AfterFunc(s.pause, s.retry)
	} else {
		s.timer.Reset(s.pause)
	}
}

// retry tries those that are runnable and have no thread, in turn.
func (s *Source) retry() {
	var grants []grant
	mu.Lock()
	s.retrying = false
	for range min(s.runnable.Len(), retries) {
		n := s.runnable.First()
		if n == nil {
			break
		}
		w := n.Value
		s.stats.Retries++
		errno := w.op.retry()
		if errno == syscall.EAGAIN {
			s.runnable.Remove(n)
			s.runnable.Push(n.Level(), n) // behind the others
			continue
		}
		grants = append(grants, grant{w.to, w.id, resultOf(errno)})
		w.leave()
	}
	s.pause = min(2*s.pause, lastPause)
	if len(grants) != 0 {
		s.pause = firstPause
	}
	s.dispatch()
	mu.Unlock()
	deliver(grants)
}

// retry is try for a request that has been waiting.
func (op *operation) retry() syscall.Errno {
	if w, ok := op.arg.(Word); ok {
		return w.Retry()
	}
	if errno := op.check(); errno != 0 {
		return errno
	}
	return op.try()
}
