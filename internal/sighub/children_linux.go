package sighub

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Reaper waits for children: all their pidfds are in one epoll instance, which a
// goroutine watches through the runtime's poller while there are any. So no
// thread is held, and a thousand children need one goroutine.
//
// It waits for each child by its pidfd, never for any child: that would take the
// status from under os/exec. The status is fetched when the child has ended, and
// a watch that was cancelled before has not touched it.
type Reaper struct {
	mu       sync.Mutex // guards everything; taken below the lock of a Ring
	children map[key]*child
	bySerial map[int32]*child // as epoll names them: descriptors are reused
	serial   int32
	epoll    *os.File // nil while there are no children
	conn     syscall.RawConn
}

// Children is the process's Reaper.
var Children = &Reaper{children: map[key]*child{}, bySerial: map[int32]*child{}}

var _ outside.Source = Children

// child is a request that waits for one. It leaves the tables before its status
// is fetched, so that Cancel knows which of the two came first.
type child struct {
	key
	serial int32
	pidfd  int
	own    bool // the pidfd is ours to close
	leave  bool // somebody else will wait for the child
}

// Start places a watch. A child that has ended already is done at once.
func (r *Reaper) Start(id uint64, req *ops.Request, to outside.Sink) (outside.Result, bool) {
	c := &child{key: key{to, id}, pidfd: int(req.FD), leave: req.Flags&ops.ChildLeave != 0}
	if err := c.open(req.Arg.(*ops.ChildTarget)); err != nil { // Validate has looked
		return outside.Result{Res: -errnoOf(err)}, true
	}
	if res, done := c.fetch(); done {
		c.close()
		return res, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.add(c); err != nil {
		c.close()
		return outside.Result{Res: -errnoOf(err)}, true
	}
	return outside.Result{}, false
}

// open makes sure that c has a pidfd.
func (c *child) open(t *ops.ChildTarget) (err error) {
	pid := t.Pid
	if t.Process != nil {
		pid = t.Process.Pid
	}
	if pid == 0 {
		return nil // the request's FD is one
	}
	if pid < 0 {
		return syscall.ESRCH // a Process that was released
	}
	if c.pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
		return err
	}
	c.own = true
	// Nobody can have the pid of a child that was not waited for. If p still
	// stands now, the pidfd is its.
	if p := t.Process; p != nil && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		c.close()
		return syscall.ECHILD
	}
	return nil
}

func (c *child) close() {
	if c.own {
		_ = unix.Close(c.pidfd)
	}
}

// Cancel takes a watch away. The child keeps its status.
func (r *Reaper) Cancel(id uint64, to outside.Sink) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.children[key{to, id}]
	if c == nil {
		return false // its end is being delivered
	}
	r.remove(c)
	c.close()
	return true
}

// add places c in the epoll instance, and starts the goroutine for the first one.
func (r *Reaper) add(c *child) error {
	if r.epoll == nil {
		if err := r.launch(); err != nil {
			return err
		}
	}
	r.serial++
	c.serial = r.serial
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: c.serial}
	fd := c.pidfd
	if !c.own {
		// An instance takes a descriptor once, but there may be several watches.
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			r.endIfIdle()
			return fmt.Errorf("duplicate pidfd: %w", err)
		}
		c.pidfd, c.own = dup, true
	}
	if err := r.control(unix.EPOLL_CTL_ADD, c.pidfd, &event); err != nil {
		r.endIfIdle()
		return err
	}
	r.children[c.key], r.bySerial[c.serial] = c, c
	return nil
}

func (r *Reaper) control(op, fd int, event *unix.EpollEvent) (err error) {
	if cerr := r.conn.Control(func(epfd uintptr) { err = unix.EpollCtl(int(epfd), op, fd, event) }); cerr != nil {
		return cerr
	}
	return err
}

// remove takes c out of everything.
func (r *Reaper) remove(c *child) {
	delete(r.children, c.key)
	delete(r.bySerial, c.serial)
	_ = r.control(unix.EPOLL_CTL_DEL, c.pidfd, &unix.EpollEvent{})
	r.endIfIdle()
}

// endIfIdle lets the goroutine end when there is nothing to wait for.
func (r *Reaper) endIfIdle() {
	if len(r.children) == 0 && r.epoll != nil {
		// Not Close, which waits for the goroutine.
		_ = r.epoll.SetReadDeadline(time.Unix(1, 0))
		r.epoll, r.conn = nil, nil
	}
}

// launch makes the epoll instance and its goroutine.
func (r *Reaper) launch() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	// os.NewFile wants to see O_NONBLOCK before it uses the runtime's poller.
	_ = unix.SetNonblock(fd, true)
	file := os.NewFile(uintptr(fd), "pidfds")
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Time{}) // fails if the poller does not take it
	}
	if err != nil {
		return errors.Join(fmt.Errorf("poll pidfds: %w", err), file.Close())
	}
	r.epoll, r.conn = file, conn
	go r.run(file, conn)
	return nil
}

// run is the goroutine of one epoll instance. It ends, and closes it, when its
// deadline is set into the past.
func (r *Reaper) run(file *os.File, conn syscall.RawConn) {
	defer file.Close()
	events := make([]unix.EpollEvent, 64)
	for {
		n := 0
		err := conn.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0) // EINTR: the poller looks again
			return n > 0
		})
		if err != nil {
			return
		}
		for _, e := range events[:n] {
			r.settle(e.Fd)
		}
	}
}

// heldPause is how often is looked whether a tracer has let go of a child.
const heldPause = 5 * time.Millisecond

// settle ends the watch whose child has ended.
func (r *Reaper) settle(serial int32) {
	r.mu.Lock()
	c := r.bySerial[serial]
	switch {
	case c == nil: // cancelled meanwhile
	case c.held():
		time.AfterFunc(heldPause, func() { r.settle(serial) })
		c = nil
	default:
		r.remove(c)
	}
	r.mu.Unlock()
	if c == nil {
		return
	}
	res, _ := c.fetch()
	c.close()
	c.sink.Deliver(c.id, res)
}
