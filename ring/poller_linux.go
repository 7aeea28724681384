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
// completions. It is used by one goroutine at a time, the leader; all but wait is
// called with Ring.mu held.
//
// The runtime watches the ring from the first time on that somebody parks. From
// then on each completion costs the kernel some 100 ns to tell it, which is a tenth
// of a Do that need not wait.
type poller struct {
	fd    int      // a duplicate of the ring's descriptor
	file  *os.File // the same once the runtime watches it, and its owner
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
	return &poller{fd: fd, ready: func(uintptr) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.u.CQ.Ready() == 0 {
			r.look()
		}
		return r.closed || r.u.CQ.Ready() != 0 || r.u.SQ.NeedsFlush()
	}}, nil
}

// watch has the runtime watch the ring.
func (p *poller) watch() (err error) {
	if p.file != nil {
		return nil
	}
	p.file = os.NewFile(uintptr(p.fd), "io_uring")
	if p.conn, err = p.file.SyscallConn(); err == nil {
		err = p.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return fmt.Errorf("poll the ring's descriptor: %w", err)
	}
	return nil
}

// arm makes the next wait end at that time.
func (p *poller) arm(until ops.Instant) {
	if until != ops.Never {
		left := until.Sub(ops.Now())                     // ahead of the other look at the clock, so that the deadline is not early
		_ = p.file.SetReadDeadline(time.Now().Add(left)) // fails only when closed
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

func (p *poller) close() error {
	if p.file == nil {
		return unix.Close(p.fd)
	}
	return p.file.Close()
}
