//go:build linux

package main

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// connectTimeout is how long a target may take to answer.
const connectTimeout = 10 * time.Second

// conn is a client, the target's socket, and the two flows between them:
//
//	accepted -> socket -> connect -> both flows -> closing -> gone
//	            ^  |  |      |           |            ^
//	   shortage '--'  '------'-----------'--- error --'
//
// Its descriptors are closed when no request uses them any more (pending is 0),
// and only then can their numbers be given to somebody else.
type conn struct {
	proxy          *proxy
	index          int // in proxy.conns
	client, target int // descriptors, -1 while there is none
	up, down       flow
	dialing        ops.ID // socket, connect or timer in flight, or 0
	pending        int    // requests in flight that are about this connection
	short          bool   // waits for a descriptor
	broken         bool   // ended by an error: nothing more is passed on
	closing        bool
}

func (c *conn) start(p *proxy, client int) {
	*c = conn{proxy: p, index: c.index, client: client, target: -1}
	c.up.done, c.down.done = true, true // not begun
	c.dial()
}

func (c *conn) dial() {
	c.dialing = c.queue(ops.Socket(c.proxy.to.Family(), unix.SOCK_STREAM, 0), c)
}

func (c *conn) queue(req ops.Request, h handler) ops.ID {
	c.pending++
	return c.proxy.loop.queue(req, h)
}

func (c *conn) complete(done *ops.Completion) {
	c.pending--
	c.dialing = 0
	switch done.Code {
	case ops.CodeTimer:
		c.retry()
	case ops.CodeSocket:
		c.connect(done)
	case ops.CodeConnect:
		c.relay(done)
	case ops.CodeClose:
		if c.pending == 0 {
			c.proxy.remove(c)
		}
	}
}

func (c *conn) connect(done *ops.Completion) {
	c.target = done.FD()
	c.lack(!c.broken && shortage(done.Errno()))
	switch {
	case c.broken:
		c.settle()
	case c.short:
		c.proxy.starve(done.Err())
		c.dialing = c.queue(ops.Timer(shortagePause), c)
	case !done.OK():
		c.refuse(done.Err())
	default:
		c.dialing = c.queue(ops.Connect(c.target, c.proxy.to).WithTimeout(connectTimeout), c)
	}
}

// retry follows the pause after a shortage.
func (c *conn) retry() {
	if c.broken {
		c.lack(false)
		c.settle()
		return
	}
	c.dial()
}

// lack notes whether the connection waits for a descriptor.
func (c *conn) lack(short bool) {
	switch {
	case short && !c.short:
		c.proxy.short++
	case !short && c.short:
		c.proxy.short--
	default:
		return
	}
	c.short = short
	c.proxy.resize()
}

func (c *conn) relay(done *ops.Completion) {
	if c.broken {
		c.settle()
		return
	}
	if !done.OK() {
		c.refuse(done.Err())
		return
	}
	if err := prepare(c.target); err != nil {
		c.refuse(err)
		return
	}
	c.up.start(c, c.client, c.target, &c.proxy.stats.up)
	c.down.start(c, c.target, c.client, &c.proxy.stats.down)
}

// prepare makes the system calls on the target's socket that its flows make
// return at once, keeps urgent bytes in their place (see pipe.copy), and sends small
// messages without delay. Clients have these settings from the listener.
func prepare(fd int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_OOBINLINE, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

// refuse ends a connection whose target cannot be reached.
func (c *conn) refuse(err error) {
	warnf("%v", err)
	c.proxy.stats.refused++
	c.settle()
}

// abort ends the connection at once. Both sides get a reset, so that neither
// takes what it has for the whole.
func (c *conn) abort() {
	if c.broken || c.closing {
		return
	}
	c.broken = true
	c.proxy.stats.broken++
	c.up.stop()
	c.down.stop()
	if c.dialing != 0 {
		c.proxy.loop.cancel(c.dialing)
	}
	for _, fd := range []int{c.client, c.target} {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	c.settle()
}

// settle closes both descriptors once both flows are done and no request is in
// flight.
func (c *conn) settle() {
	if c.closing || c.pending > 0 || !c.up.done || !c.down.done {
		return
	}
	c.closing = true
	c.queue(ops.Close(c.client), c)
	if c.target >= 0 {
		c.queue(ops.Close(c.target), c)
	}
}
