package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// The same number and size of buffers as in c/echoring.c.
const (
	echoBuffers    = 1024
	echoBufferSize = 4096
	echoEntries    = 2048
	echoTurn       = 256                    // completions in a turn, at most
	echoBatch      = 200 * time.Microsecond // what a turn waits for more, at most
)

func echoPinned(port int) error {
	return echoRing(port, ring.Config{Pinned: true, Entries: echoEntries}, echoBatch)
}

// echoPinnedOne waits for one completion at a time, as many programs do.
func echoPinnedOne(port int) error {
	return echoRing(port, ring.Config{Pinned: true, Entries: echoEntries}, 0)
}

func echoShared(port int) error { return echoRing(port, ring.Config{Entries: echoEntries}, 0) }

// echoServer is the same as c/echoring.c: multishot accept, multishot receive into
// buffers of a group, sends out of these, and one Wait for all. In a turn it takes what
// has come, and then queues what there is to do.
type echoServer struct {
	r    *ring.Ring
	g    *ring.BufferRing
	todo []ops.Request
}

// echoConn is a connection.
type echoConn struct {
	fd      int
	busy    bool // a message is being sent back
	ended   bool // the other side sends no more
	sending ops.Completion
	waiting []ops.Completion // messages behind it
}

func echoRing(port int, cfg ring.Config, batch time.Duration) error {
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
	s := echoServer{r: r, g: g}
	return s.serve(batch)
}

// serve waits in each turn for what the replies of the one before yield, which is there
// at once, and for three quarters of the messages that one brought: see Ring.WaitBatch.
func (s *echoServer) serve(batch time.Duration) error {
	dst, want := make([]ops.Completion, echoTurn), 0
	for {
		queued := len(s.todo)
		if queued < want || queued*3/4 > want {
			want = queued * 3 / 4
		}
		if err := s.r.QueueAll(s.todo, nil); err != nil {
			return err
		}
		s.todo = s.todo[:0]
		n, err := s.r.WaitBatch(dst, min(max(queued+want, 1), len(dst)), batch, ring.Forever)
		if err != nil {
			return err
		}
		for i := range dst[:n] {
			if err := s.step(&dst[i]); err != nil {
				return err
			}
		}
	}
}

func (s *echoServer) step(c *ops.Completion) error {
	conn, _ := c.Tag.(*echoConn)
	switch c.Code {
	case ops.CodeAccept:
		if !c.OK() || !c.More {
			return fmt.Errorf("accept ended: %w", c.Err())
		}
		conn = &echoConn{fd: c.Direct().FD()}
		s.todo = append(s.todo, ops.RecvMulti(conn.fd, s.g, 0).WithTag(conn))
	case ops.CodeRecv:
		switch {
		case c.N() > 0 && conn.busy:
			conn.waiting = append(conn.waiting, *c)
		case c.N() > 0:
			s.reply(conn, c)
		case !c.More:
			conn.ended = true
			s.end(conn)
		}
	case ops.CodeSend:
		conn.sending.Release()
		conn.busy = false
		if len(conn.waiting) > 0 {
			s.reply(conn, &conn.waiting[0])
			conn.waiting = conn.waiting[:copy(conn.waiting, conn.waiting[1:])]
			return nil
		}
		s.end(conn)
	}
	return nil
}

// reply sends back what c has brought.
func (s *echoServer) reply(conn *echoConn, c *ops.Completion) {
	conn.sending, conn.busy = *c, true
	s.todo = append(s.todo, ops.Send(conn.fd, c.Bytes(), unix.MSG_WAITALL).WithTag(conn))
}

// end closes a connection that has nothing left to do.
func (s *echoServer) end(conn *echoConn) {
	if conn.ended && !conn.busy {
		s.todo = append(s.todo, ops.Close(conn.fd))
	}
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
