package portable

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Enter is part of uring.Kernel. At most one goroutine at a time may wait.
func (e *Engine) Enter(toSubmit, minComplete, flags uint32, timeout, minWait time.Duration) (int, error) {
	e.mu.Lock()
	defer e.unlock()
	if e.closed {
		return 0, uring.ErrClosed
	}
	minComplete = min(minComplete, uint32(len(e.mem.CQEs))) // more than fit never come, and wait for room
	n := e.submit(toSubmit)
	if flags&uring.EnterGetEvents != 0 {
		if len(e.backlog) != 0 {
			e.flush()
		}
		// Unless it is about to sleep, which does that as well.
		if e.curious() && (minComplete == 0 || e.ready() >= minComplete) {
			e.harvest()
		}
	}
	if minComplete == 0 || e.ready() >= minComplete {
		return n, nil
	}
	err := e.wait(minComplete, timeout, minWait)
	if n > 0 {
		err = nil // as the kernel does
	}
	return n, err
}

// curious reports whether events of epoll are of interest. With a registered eventfd
// all are, since somebody may poll FD: one that nobody waits for, such as of a
// connection that is idle here and busy at its other end, would leave it readable.
func (e *Engine) curious() bool { return e.expected != 0 || e.woken || e.event >= 0 }

// wait returns once want completions are there, after minWait if there is one, and
// after timeout anyway; like the kernel, with an error only if there is none. It
// releases mu while it sleeps.
func (e *Engine) wait(want uint32, timeout, minWait time.Duration) error {
	start := ops.Now()
	deadline, relax := ops.Never, ops.Never
	if timeout >= 0 {
		deadline = start.Add(timeout)
	}
	if minWait > 0 {
		relax = start.Add(minWait)
	}
	for {
		now := start
		if deadline != ops.Never || relax != ops.Never {
			now = ops.Now()
		}
		if now >= relax {
			want, relax = 1, ops.Never
		}
		if e.ready() >= want {
			return nil
		}
		if now >= deadline {
			e.harvest()
			return e.orReady(uring.ErrTimeout)
		}
		errno := e.sleep(min(deadline, relax), now)
		e.run()
		if e.ready() < want && errno == syscall.EINTR {
			return e.orReady(uring.ErrInterrupted)
		}
		if e.closed {
			return uring.ErrClosed
		}
	}
}

// orReady returns err if there are no completions.
func (e *Engine) orReady(err error) error {
	if e.ready() != 0 {
		return nil
	}
	return err
}

// sleep waits for events until then, and handles them.
func (e *Engine) sleep(until, now ops.Instant) syscall.Errno {
	var events batch
	d := time.Duration(-1)
	if until != ops.Never {
		d = until.Sub(now)
	}
	epoll := e.epoll
	e.unlock()
	n, errno := epollWait(epoll, &events, d)
	e.mu.Lock()
	for i := range events[:n] {
		e.heard(&events[i])
	}
	return errno
}

// batch is how many events are taken at a time.
type batch [64]unix.EpollEvent

// noPwait2 tells that epoll_pwait2(2), Linux 5.11, is missing or forbidden.
var noPwait2 atomic.Bool

// epollWait waits for at most d, or, if that is negative, without end.
func epollWait(epoll int, events *batch, d time.Duration) (n int, errno syscall.Errno) {
	if d >= 0 && !noPwait2.Load() {
		ts := [2]int64{int64(d / time.Second), int64(d % time.Second)}
		r, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(events)),
			uintptr(len(events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
		switch errno {
		case 0:
			return int(r), 0
		case syscall.EINTR:
			return 0, errno
		}
		// ENOSYS: an old kernel. EPERM: a sandbox that does not know it.
		noPwait2.Store(true)
	}
	ms := -1
	if d >= 0 {
		// Rounded up: no timeout is early.
		ms = int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	r, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(events)),
		uintptr(len(events)), uintptr(ms), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}
