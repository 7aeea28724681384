//go:build linux

package main

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// shortagePause is how long the proxy waits for descriptors to become free.
const shortagePause = 100 * time.Millisecond

// proxy accepts connections and passes each on to the target:
//
//	listening --EMFILE--> paused --timer--> listening
//	    '--stop------------'--> draining --last connection, or timer--> done
//
// One multishot accept serves all clients. It can end at any time, which the
// kernel tells by a completion without More, and is then submitted again: unless
// there are connections that wait for a descriptor, which come first.
type proxy struct {
	loop     *loop
	stats    *stats
	to       *ops.Sockaddr
	listener int    // -1 when closed
	accept   ops.ID // in flight, or 0
	pause    ops.ID // timer in flight, or 0
	deadline ops.ID // timer in flight, or 0
	stopping bool
	failed   bool // connections were cut off: the exit status is 1
	short    int  // connections that wait for a descriptor
	starved  bool // the lack of descriptors was reported
	drain    time.Duration
	pipes    pipePool
	conns    []*conn // in no order
	spare    []*conn // for use by the next ones
}

func newProxy(l *loop, st *stats, listen, to string, drain time.Duration) (*proxy, error) {
	target, err := net.ResolveTCPAddr("tcp", to)
	if err != nil {
		return nil, fmt.Errorf("-to: %w", err)
	}
	if target.IP == nil {
		target.IP = net.IPv4(127, 0, 0, 1) // ":80" is a port of this machine
	}
	p := &proxy{loop: l, stats: st, to: ops.NetAddr(target), drain: drain}
	var at net.Addr
	if p.listener, at, err = listenTCP(listen); err != nil {
		return nil, fmt.Errorf("-listen: %w", err)
	}
	p.resize()
	if err := p.pipes.stock(); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	warnf("listening on %v", at)
	return p, nil
}

// advance lets flows that wait for a pipe go on, and sees to it that clients
// are accepted.
func (p *proxy) advance() bool {
	p.pipes.serve()
	if p.listener >= 0 && !p.stopping && p.accept == 0 && p.pause == 0 && p.short == 0 {
		p.accept = p.loop.queue(ops.AcceptMulti(p.listener, unix.SOCK_NONBLOCK), p)
	}
	return p.listener >= 0 || len(p.conns) > 0
}

func (p *proxy) complete(c *ops.Completion) {
	switch {
	case c.Code == ops.CodeAccept:
		p.accepted(c)
	case c.ID == p.pause:
		p.pause = 0
		p.closeListener()
	case c.ID == p.deadline && c.OK():
		p.abortAll()
	}
}

func (p *proxy) accepted(c *ops.Completion) {
	if !c.More {
		p.accept = 0
	}
	switch err := c.Errno(); err {
	case 0:
		p.add(c.FD())
	case unix.ECANCELED, unix.ECONNABORTED, unix.EPROTO, unix.EINTR, unix.EPERM,
		unix.ENETDOWN, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETUNREACH:
		// Stopped; or the client's own trouble, see accept(2): the next, please.
	default:
		if !shortage(err) {
			p.loop.fail(c.Err())
			return
		}
		p.starve(c.Err())
	}
	p.closeListener()
}

// shortage reports whether err passes when others give something back.
func shortage(err unix.Errno) bool {
	return err == unix.EMFILE || err == unix.ENFILE || err == unix.ENOBUFS || err == unix.ENOMEM
}

// starve stops accepting for a moment: clients wait in the backlog, and an
// accept that fails at once would be submitted in a busy loop.
func (p *proxy) starve(err error) {
	if !p.starved {
		p.starved = true
		warnf("%v: new connections wait", err)
	}
	if p.accept != 0 {
		p.loop.cancel(p.accept)
	}
	if p.pause == 0 {
		p.pause = p.loop.queue(ops.Timer(shortagePause), p)
	}
	p.resize()
}

// resize says how many pipes may be idle: as many as could be wanted soon,
// unless descriptors are wanted more.
func (p *proxy) resize() {
	switch {
	case p.short > 0:
		p.pipes.resize(lastFew)
	case p.pause != 0:
		p.pipes.resize(reserve)
	default:
		p.pipes.resize(reserve + len(p.conns))
	}
}

func (p *proxy) add(client int) {
	var c *conn
	if n := len(p.spare); n > 0 {
		c, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		c = new(conn)
	}
	c.index = len(p.conns)
	p.conns = append(p.conns, c)
	p.resize()
	p.stats.opened(len(p.conns))
	c.start(p, client)
}

// remove forgets c, whose descriptors are closed.
func (p *proxy) remove(c *conn) {
	last := len(p.conns) - 1
	p.conns[c.index] = p.conns[last]
	p.conns[c.index].index = c.index
	p.conns[last] = nil
	p.conns = p.conns[:last]
	p.spare = append(p.spare, c)
	p.resize()
}

// stop ends accepting, and gives open connections the time of -drain.
func (p *proxy) stop() {
	p.stopping = true
	for _, id := range []ops.ID{p.accept, p.pause} {
		if id != 0 {
			p.loop.cancel(id)
		}
	}
	p.deadline = p.loop.queue(ops.Timer(p.drain), p)
	p.closeListener()
}

// closeListener closes the listening socket after stop, once nothing uses it.
func (p *proxy) closeListener() {
	if p.stopping && p.listener >= 0 && p.accept == 0 && p.pause == 0 {
		p.loop.queue(ops.Close(p.listener), p)
		p.listener = -1
	}
}

func (p *proxy) abortAll() {
	if n := len(p.conns); n > 0 {
		p.failed = true
		warnf("%d connections had not ended after %v", n, p.drain)
	}
	for _, c := range p.conns {
		c.abort()
	}
}
