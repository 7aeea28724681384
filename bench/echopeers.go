package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/cloudwego/netpoll"
	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// echoStd has a goroutine for each connection, with a buffer that takes a whole
// message.
func echoStd(port int) error {
	l, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 4096)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}

type gnetEcho struct{ gnet.BuiltinEventEngine }

func (*gnetEcho) OnTraffic(c gnet.Conn) gnet.Action {
	buf, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := c.Write(buf); err != nil {
		return gnet.Close
	}
	return gnet.None
}

// echoGnet has one event loop, as there is one processor.
func echoGnet(port int) error {
	return gnet.Run(&gnetEcho{}, "tcp://"+loopback(port), gnet.WithNumEventLoop(1),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay), gnet.WithLogLevel(logging.ErrorLevel))
}

// echoNetpoll is as the documentation of netpoll has it: without copying.
func echoNetpoll(port int) error {
	l, err := netpoll.CreateListener("tcp", loopback(port))
	if err != nil {
		return err
	}
	loop, err := netpoll.NewEventLoop(func(_ context.Context, c netpoll.Connection) error {
		reader, writer := c.Reader(), c.Writer()
		buf, err := reader.Next(reader.Len())
		if err != nil {
			return err
		}
		if _, err := writer.WriteBinary(buf); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
		return reader.Release()
	}, netpoll.WithIdleTimeout(10*time.Minute))
	if err != nil {
		return err
	}
	if err := loop.Serve(l); err != nil {
		return err
	}
	return io.EOF
}
