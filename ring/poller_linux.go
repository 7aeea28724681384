package ring

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// poller parks a goroutine in the Go runtime's poller until the ring has
// completions. It is used by one goroutine at a time, the leader; arm and kick
// are called with Ring.mu held.
type poller struct {
	file  *os.File // a duplicate of the ring's descriptor
	conn  syscall.RawConn
	ready func(fd uintptr) bool
	armed bool // the file has a deadline
}

// past is a deadline that makes waiting end at once.
var past = time.Unix(1, 0)

func newPoller(r *Ring) (*poller, error) {
	fd, err := unix.FcntlInt(uintptr(r.u.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate the ring's descriptor: %w", err)
	}
	// os.NewFile asks for O_NONBLOCK before it uses the runtime's poller. The
	// ring itself does not look at it.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	p := &poller{file: os.NewFile(uintptr(fd), "io_uring")}
	if p.conn, err = p.file.SyscallConn(); err == nil {
		err = p.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("poll the ring's descriptor: %w", err), p.file.Close())
	}
	p.ready = func(uintptr) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.closed || r.u.CQ.Ready() != 0 || r.u.SQ.NeedsFlush()
	}
	return p, nil
}

// arm makes the next wait end at that time.
func (p *poller) arm(until ops.Instant) {
	if until != ops.Never {
		_ = p.file.SetReadDeadline(time.Now().Add(until.Sub(ops.Now()))) // fails only when closed
		p.armed = true
	} else if p.armed {
		_ = p.file.SetReadDeadline(time.Time{})
		p.armed = false
	}
}

// kick makes the wait that is under way, or about to begin, end.
func (p *poller) kick() {
	_ = p.file.SetReadDeadline(past)
	p.armed = true
}

// wait parks until the ring has completions, the deadline passes, or kick or
// close is called. The runtime reports edges, so the ring is looked at first.
func (p *poller) wait() { _ = p.conn.Read(p.ready) }

func (p *poller) close() error { return p.file.Close() }
