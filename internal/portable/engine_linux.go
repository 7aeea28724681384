package portable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// Features are the Feat bits of a ring over an Engine: what is emulated.
const Features = uring.FeatNoDrop | uring.FeatSubmitStable | uring.FeatRWCurPos | uring.FeatCurPersonality |
	uring.FeatFastPoll | uring.FeatPoll32Bits | uring.FeatExtArg | uring.FeatLinkedFile |
	uring.FeatMinTimeout

// Engine carries out what rings do. It is a uring.Kernel. Make one with New.
type Engine struct {
	mem    *uring.Memory
	epoll  int
	wakeup int // eventfd, edge-triggered in epoll: written when others than Enter post

	// mu guards what follows. It is a leaf.
	mu       sync.Mutex
	closed   bool
	posted   bool        // a completion was posted since unlock looked
	woken    bool        // wakeup was written to, and no event of it was seen since
	expected int         // requests that an event of epoll is to bring on
	backlog  []uring.CQE // completions that found no room
	event    int32       // registered eventfd, -1 for none

	free    *request // requests that are not in use
	table   table    // those that can be found by user data
	running list     // to be attempted: the next of chains

	regs     []*registration // by descriptor
	controls int             // calls of epoll_ctl(2) for these; tests read it
	sweeps   sweeper
	clocks   [clocks]clock

	files   fileTable
	buffers []buffer          // registered, by index
	groups  map[uint16]*group // of provided buffers
	creds   map[uint16]*creds // personalities
	lastID  uint16            // the last id of one
	crew    crew
}

// engines finds the Engine that a duplicate of its descriptor names.
var engines sync.Map // int: *Engine

// New returns a Ring over a new Engine. It uses three descriptors, and one more for
// each other clock that entries wait for. workers is how many entries may block at a time.
func New(o uring.Options, workers int) (*uring.Ring, error) {
	m, err := uring.NewMemory(o)
	if err != nil {
		return nil, err
	}
	e := &Engine{mem: m, event: -1, epoll: -1, wakeup: -1}
	e.sweeps.period = 1
	for i := range e.clocks {
		e.clocks[i].fd = -1
	}
	e.crew.limit = [classes]int{bounded: max(4, 2*runtime.GOMAXPROCS(0)), unbounded: workers}
	if err := e.open(); err != nil {
		return nil, errors.Join(err, e.closeDescriptors())
	}
	return uring.Over(e, m, Features), nil
}

func (e *Engine) open() (err error) {
	if e.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", explain(err))
	}
	if e.wakeup, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("eventfd: %w", explain(err))
	}
	if err := e.watch(e.wakeup, fdWakeup); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	if err := e.openClock(monotonic); err != nil { // for the sweeps
		return fmt.Errorf("timerfd_create: %w", explain(err))
	}
	return nil
}

// explain adds what to do about a shortage.
func explain(err error) error {
	switch err {
	case syscall.EMFILE:
		return fmt.Errorf("%w: this process has as many descriptors as RLIMIT_NOFILE allows: raise it (ulimit -n) or close some", err)
	case syscall.ENFILE:
		return fmt.Errorf("%w: the system has as many open files as fs.file-max allows: raise the sysctl", err)
	}
	return err
}

// Numbers that stand in for a descriptor in the events of the Engine's own ones.
const (
	fdWakeup = -1 - iota
	fdClock  // the clocks follow
)

// watch has epoll report fd, one of the Engine's own, edge-triggered.
func (e *Engine) watch(fd int, as int32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: as}
	if err := unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return err // ENOMEM or ENOSPC
	}
	return nil
}

// FD returns the epoll descriptor.
func (e *Engine) FD() int { return e.epoll }

// Alias is part of uring.Kernel.
func (e *Engine) Alias(fd int, valid bool) {
	if valid {
		engines.Store(fd, e)
	} else {
		engines.Delete(fd)
	}
}

// one is what an eventfd is written.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// unlock releases mu after a call of Enter or Register, whose caller looks at the
// completion queue itself.
func (e *Engine) unlock() {
	if e.posted && e.event >= 0 {
		// Under mu: the number may be another file's once it is unregistered.
		_, _ = unix.Write(int(e.event), one) // EAGAIN: it is readable
	}
	e.posted = false
	e.mu.Unlock()
}

// unlockAndWake releases mu after anything else.
func (e *Engine) unlockAndWake() {
	wake := e.posted && !e.woken && !e.closed
	e.woken = e.woken || wake
	if wake {
		_, _ = unix.Write(e.wakeup, one) // it does not block, and is open under mu
	}
	e.unlock()
}

// post puts a completion into the queue, or, if that is full, keeps it.
func (e *Engine) post(user uint64, res int32, flags uint32) {
	e.posted = true
	if len(e.backlog) == 0 && e.room() {
		e.put(uring.CQE{UserData: user, Res: res, Flags: flags})
		return
	}
	e.backlog = append(e.backlog, uring.CQE{UserData: user, Res: res, Flags: flags})
	atomic.StoreUint32(&e.mem.SQFlags, uring.SQFlagCQOverflow)
}

// room reports whether the completion queue has a free entry.
func (e *Engine) room() bool { return e.ready() < uint32(len(e.mem.CQEs)) }

// ready returns the number of completions in the queue.
func (e *Engine) ready() uint32 { return e.mem.CQTail - atomic.LoadUint32(&e.mem.CQHead) }

func (e *Engine) put(c uring.CQE) {
	m := e.mem
	m.CQEs[m.CQTail&uint32(len(m.CQEs)-1)] = c
	atomic.StoreUint32(&m.CQTail, m.CQTail+1)
}

// flush moves completions that found no room into the queue.
func (e *Engine) flush() {
	n := 0
	for n < len(e.backlog) && e.room() {
		e.put(e.backlog[n])
		n++
	}
	if n != 0 {
		e.backlog = e.backlog[:copy(e.backlog, e.backlog[n:])]
		if len(e.backlog) == 0 {
			atomic.StoreUint32(&e.mem.SQFlags, 0)
		}
	}
}

// closeBound is how long Close waits for workers whose call was interrupted.
const closeBound = time.Second

// Close is part of uring.Kernel.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.endAll()
	e.mu.Unlock()
	e.crew.wait(closeBound)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files.close(e)
	return e.closeDescriptors()
}

// closeDescriptors closes the Engine's own descriptors.
func (e *Engine) closeDescriptors() (err error) {
	fds := []*int{&e.epoll, &e.wakeup}
	for i := range e.clocks {
		fds = append(fds, &e.clocks[i].fd)
	}
	for _, fd := range fds {
		if *fd >= 0 {
			err = errors.Join(err, unix.Close(*fd))
			*fd = -1
		}
	}
	return err
}
