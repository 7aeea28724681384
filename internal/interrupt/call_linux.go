package interrupt

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Intervals between two attempts to interrupt a Call that goes on.
const (
	firstPause = 100 * time.Microsecond
	lastPause  = 50 * time.Millisecond
)

// Call is a stretch of code with system calls that block, and that Interrupt
// makes return EINTR. The zero Call is ready for use, by one Run at a time.
type Call struct {
	wanted atomic.Bool // Interrupt was called

	// mu guards what follows. No signal is sent without it, so that none is sent
	// once Run has ended. Nothing is locked under it.
	mu      sync.Mutex
	thread  int // its thread id, 0 while it does not run
	sent    int // signals
	pause   time.Duration
	resends *time.Timer // running while an interruption is not acknowledged
}

// Interrupted reports whether Interrupt was called. Code under Run asks before
// each system call that can block, and after EINTR.
func (c *Call) Interrupted() bool { return c.wanted.Load() }

// Run runs f on a thread of its own. When it returns, or panics, no signal is on
// its way to the thread any more. Where Supported is false, it only runs f.
func (c *Call) Run(f func()) {
	if !Supported {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.RunLocked(f)
}

// RunLocked is Run for a goroutine that is locked to its thread already.
func (c *Call) RunLocked(f func()) {
	var before unix.Sigset_t
	open(&before)
	c.mu.Lock()
	c.thread = unix.Gettid()
	if c.wanted.Load() {
		c.send()
	}
	c.mu.Unlock()
	defer c.end(&before)
	f()
}

// end stops the signals and takes in the last of them.
func (c *Call) end(before *unix.Sigset_t) {
	c.mu.Lock()
	c.thread = 0
	if c.resends != nil {
		c.resends.Stop()
	}
	sent := c.sent
	c.sent, c.pause = 0, 0
	c.mu.Unlock()
	if sent != 0 {
		// A signal that was sent is delivered when a system call returns, at the
		// latest. Let it be this one, and not somebody else's (trap 37).
		_, _, _ = syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	}
	restore(before)
}

// Interrupt makes the system call that f is in, or about to begin, return EINTR,
// and so the ones after it until f returns. It does not wait. A Call that has not
// begun to run is interrupted when it does; one that has ended is not affected.
func (c *Call) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted.Swap(true) || c.thread == 0 {
		return
	}
	c.send()
}

// Reset makes the Call forget that it was interrupted. It must not be running.
func (c *Call) Reset() { c.wanted.Store(false) }

// send sends one signal and sees to the next.
func (c *Call) send() {
	if !Supported {
		return
	}
	if c.sent != 0 || !installed.Load() {
		// Besides the first time: os/signal.Ignore may have replaced the handler.
		install()
	}
	c.sent++
	_ = unix.Tgkill(unix.Getpid(), c.thread, Signal()) // the thread exists: it is in Run
	c.pause = min(max(firstPause, 2*c.pause), lastPause)
	if c.resends == nil {
		c.resends = time.AfterFunc(c.pause, c.resend)
	} else {
		c.resends.Reset(c.pause)
	}
}

func (c *Call) resend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.thread != 0 && c.sent != 0 {
		c.send()
	}
}
