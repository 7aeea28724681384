package main

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// The same number and size of buffers as in c/echoring.c.
const (
	echoBuffers    = 1024
	echoBufferSize = 4096
	echoEntries    = 2048
	echoDirect     = 4096
)

func echoPinned(port int) error {
	return echoRing(port, ring.Config{Pinned: true, Entries: echoEntries})
}

func echoShared(port int) error { return echoRing(port, ring.Config{Entries: echoEntries}) }

// echoRing is the same server as c/echoring.c: multishot accept, multishot receive
// into buffers of a group, sends out of these, and one Wait for all.
func echoRing(port int, cfg ring.Config) error {
	r, err := ring.New(cfg)
	if err != nil {
		return err
	}
	g, err := r.NewBufferRing(ring.BufferConfig{Buffers: echoBuffers, Size: echoBufferSize})
	if err != nil {
		return err
	}
	l, err := listenFile(port)
	if err != nil {
		return err
	}
	if _, err := r.Queue(ops.AcceptMulti(int(l.Fd()), 0).IntoDirect().Keeping(l)); err != nil {
		return err
	}
	dst := make([]ops.Completion, 256)
	for {
		n, err := r.Wait(dst, 1, ring.Forever)
		if err != nil {
			return err
		}
		for i := range dst[:n] {
			if err := echoStep(r, g, &dst[i]); err != nil {
				return err
			}
		}
	}
}

// echoConn is a connection: messages that are sent back, the first one now.
type echoConn struct {
	fd      int
	waiting []ops.Completion
	ended   bool // the other side sends no more
}

// end closes a connection that has nothing left to do.
func (conn *echoConn) end(r *ring.Ring) error {
	if !conn.ended || len(conn.waiting) != 0 {
		return nil
	}
	_, err := r.Queue(ops.Close(conn.fd))
	return err
}

func echoStep(r *ring.Ring, g *ring.BufferRing, c *ops.Completion) error {
	conn, _ := c.Tag.(*echoConn)
	switch {
	case c.Code == ops.CodeAccept:
		if !c.OK() || !c.More {
			return fmt.Errorf("accept ended: %w", c.Err())
		}
		conn = &echoConn{fd: c.Direct().FD()}
		_, err := r.Queue(ops.RecvMulti(conn.fd, g, 0).WithTag(conn))
		return err
	case c.Code == ops.CodeRecv && c.N() > 0:
		conn.waiting = append(conn.waiting, *c)
		if len(conn.waiting) > 1 {
			return nil
		}
	case c.Code == ops.CodeSend:
		conn.waiting[0].Release()
		conn.waiting = conn.waiting[:copy(conn.waiting, conn.waiting[1:])]
		if len(conn.waiting) == 0 {
			return conn.end(r)
		}
	case c.Code == ops.CodeRecv && !c.More:
		conn.ended = true
		return conn.end(r)
	default:
		return nil
	}
	_, err := r.Queue(ops.Send(conn.fd, conn.waiting[0].Bytes(), unix.MSG_WAITALL).WithTag(conn))
	return err
}

// listenFile returns a listening socket whose connections send without delay.
func listenFile(port int) (*os.File, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(f)
	return f, unix.SetsockoptInt(int(f.Fd()), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}
