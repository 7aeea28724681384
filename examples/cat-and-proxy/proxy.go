//go:build linux

package main

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// acceptPause is how long the proxy waits for descriptors to become free.
const acceptPause = 100 * time.Millisecond

// proxy accepts connections and passes each on to the target:
//
//	listening --EMFILE--> paused --timer--> listening
//	    '--stop------------'--> draining --last connection, or timer--> done
//
// One multishot accept serves all clients. It can end at any time, which the
// kernel tells by a completion without More, and is then submitted again.
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
	if p.listener >= 0 && !p.stopping && p.accept == 0 && p.pause == 0 {
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
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		p.starve(c.Err())
	case unix.ECANCELED, unix.ECONNABORTED, unix.EPROTO, unix.EINTR, unix.EPERM,
		unix.ENETDOWN, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETUNREACH:
		// Stopped; or the client's own trouble, see accept(2): the next, please.
	default:
		p.loop.fail(c.Err())
	}
	p.closeListener()
}

// starve stops accepting for a moment: clients wait in the backlog, and an
// accept that fails at once would be submitted in a busy loop.
func (p *proxy) starve(err error) {
	if !p.starved {
		p.starved = true
		warnf("%v: new connections wait", err)
	}
	p.pipes.trim(reserve)
	if p.pause == 0 {
		p.pause = p.loop.queue(ops.Timer(acceptPause), p)
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
	p.pipes.limit = reserve + len(p.conns)
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
	p.pipes.limit = reserve + len(p.conns)
	p.pipes.trim(p.pipes.limit)
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
