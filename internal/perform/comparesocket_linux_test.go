package perform_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

var loopback = ops.Inet(netip.MustParseAddrPort("127.0.0.1:0"))

// soon runs f when what follows is likely to wait for it, and waits for its end
// with the test.
func (s *stage) soon(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		time.Sleep(20 * time.Millisecond)
		f()
	}()
	s.Cleanup(func() { <-ended })
}

func TestCompareConnections(t *testing.T) {
	compare(t, func(s *stage) {
		listener := s.open(ops.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0))
		s.open(ops.Socket(unix.AF_INET, 99, 0))
		s.open(ops.Socket(99, unix.SOCK_STREAM, 0))
		name := new(ops.Sockaddr)
		s.do(ops.Bind(listener, loopback))
		s.do(ops.Bind(listener, loopback))
		s.do(ops.Listen(listener, 8))
		where, err := unix.Getsockname(listener)
		require.NoError(s, err)
		here := ops.Inet(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(where.(*unix.SockaddrInet4).Port)))
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			client := s.open(ops.Socket(unix.AF_INET, unix.SOCK_STREAM|flags, 0))
			s.do(ops.Connect(client, here))
			s.do(ops.Connect(client, here))
			server := s.open(ops.AcceptAddr(listener, flags, name))
			s.note(name.AddrPort().Addr(), name.Len)
			s.do(ops.Shutdown(client, unix.SHUT_WR))
			s.do(ops.Shutdown(client, 77))
			s.do(ops.Recv(server, make([]byte, 5), 0))
		}
		s.do(ops.Accept(s.file("f", ""), 0))
		s.do(ops.Accept(closed, 0))
		s.do(ops.Listen(closed, 0))
		unused := s.open(ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
		s.do(ops.Shutdown(unused, unix.SHUT_RD))
		s.do(ops.Accept(unused, 0))
		require.NoError(s, unix.Close(listener))
		s.do(ops.Connect(unused, here))
		s.do(ops.Connect(s.file("g", ""), here))
	})
}

func TestCompareLocal(t *testing.T) {
	compare(t, func(s *stage) {
		addr := ops.UNIX(s.path("socket"))
		listener := s.open(ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0))
		client := s.open(ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0))
		s.do(ops.Connect(client, addr))
		s.do(ops.Bind(listener, addr))
		s.do(ops.Bind(client, addr))
		s.do(ops.Connect(client, addr))
		s.do(ops.Listen(listener, 0))
		first := s.open(ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0))
		s.do(ops.Connect(first, addr))
		s.do(ops.Connect(s.open(ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)), addr))
		s.open(ops.Accept(listener, 0))
		s.soon(func() { _ = unix.Connect(client, &unix.SockaddrUnix{Name: s.path("socket")}) })
		s.open(ops.Accept(listener, unix.SOCK_CLOEXEC))
		s.do(ops.Connect(client, addr))
	})
}

func TestCompareStreams(t *testing.T) {
	compare(t, func(s *stage) {
		a, b := s.pair(unix.SOCK_STREAM)
		buf := make([]byte, 20)
		s.do(ops.Recv(b, buf, unix.MSG_DONTWAIT))
		s.do(ops.Send(a, []byte("hello"), 0))
		s.do(ops.Recv(b, buf, unix.MSG_PEEK))
		s.do(ops.Recv(b, buf[:3], 0).WithPollFirst())
		s.do(ops.Recv(b, buf, 0))
		s.note(string(buf))
		s.soon(func() {
			for range 4 {
				_, _ = unix.Write(a, []byte("world"))
				time.Sleep(time.Millisecond)
			}
		})
		s.do(ops.Recv(b, buf, unix.MSG_WAITALL))
		s.note(string(buf))
		s.do(ops.Read(b, nil, 0))
		s.do(ops.Send(s.file("f", ""), buf, 0))
		s.do(ops.Recv(s.file("f", ""), buf, 0))
		s.do(ops.Send(closed, buf, 0))
		s.soon(func() { _, _ = unix.Write(a, []byte("part")); _ = unix.Shutdown(a, unix.SHUT_WR) })
		s.do(ops.Recv(b, buf, unix.MSG_WAITALL))
		s.do(ops.Recv(b, buf, unix.MSG_WAITALL))
		s.do(ops.Write(b, []byte("x"), 0))
		s.do(ops.Write(b, []byte("x"), 1))
		s.do(ops.Read(a, buf, 1))
		s.do(ops.Read(a, buf, 0))
		require.NoError(s, unix.Close(a))
		s.do(ops.Send(b, buf, 0))
		s.do(ops.Write(b, buf, 0))
	})
}

func TestCompareDatagrams(t *testing.T) {
	compare(t, func(s *stage) {
		a := s.open(ops.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0))
		b := s.open(ops.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0))
		s.do(ops.Bind(b, loopback))
		where, err := unix.Getsockname(b)
		require.NoError(s, err)
		to := ops.Inet(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(where.(*unix.SockaddrInet4).Port)))
		buf := make([]byte, 4)
		s.do(ops.Send(a, []byte("nowhere"), 0))
		s.do(ops.SendTo(a, []byte("somewhere"), 0, to))
		s.do(ops.Recv(b, buf, unix.MSG_TRUNC|unix.MSG_PEEK))
		s.do(ops.Recv(b, buf, unix.MSG_WAITALL))
		s.note(string(buf))
		s.do(ops.SendTo(a, nil, 0, to))
		s.do(ops.Recv(b, buf, 0))
		s.do(ops.SendTo(a, make([]byte, 70000), 0, to))
		s.do(ops.SendZC(a, []byte("unconnected"), 0))
		s.do(ops.Connect(a, to))
		s.do(ops.Send(a, []byte("four"), 0))
		s.do(ops.Read(b, buf, 0))
	})
}

func TestCompareMessages(t *testing.T) {
	compare(t, func(s *stage) {
		a, b := s.pair(unix.SOCK_SEQPACKET)
		out := ops.NewMsg([]byte("he"), []byte("llo"))
		out.Control = unix.UnixRights(a)
		in := ops.NewMsg(make([]byte, 1), make([]byte, 3))
		in.Control = make([]byte, 64)
		in.Addr = new(ops.Sockaddr)
		for _, flags := range []int{0, unix.MSG_TRUNC, unix.MSG_DONTWAIT} {
			s.do(ops.Sendmsg(a, out, 0))
			s.do(ops.Recvmsg(b, in, unix.MSG_CMSG_CLOEXEC|flags))
			s.note(string(in.Buffers[0]), string(in.Buffers[1]), in.Received(), in.Source().Len, len(in.Ancillary()))
			messages, err := unix.ParseSocketControlMessage(in.Ancillary())
			require.NoError(s, err)
			for _, m := range messages {
				fds, err := unix.ParseUnixRights(&m)
				require.NoError(s, err)
				for _, fd := range fds {
					require.NoError(s, unix.Close(fd))
				}
			}
		}
		s.do(ops.Recvmsg(b, in, unix.MSG_DONTWAIT))
		s.do(ops.Recvmsg(closed, in, 0))
		out.Control = []byte("nonsense, and not a header")
		s.do(ops.Sendmsg(a, out, 0))
	})
}

// With MSG_WAITALL messages go on as well, with the buffers that are left.
func TestCompareLongMessages(t *testing.T) {
	compare(t, func(s *stage) {
		a, b := s.pair(unix.SOCK_STREAM)
		in := ops.NewMsg(make([]byte, 5), nil, make([]byte, 7), make([]byte, 8))
		s.soon(func() {
			for range 5 {
				_, _ = unix.Write(a, []byte("four"))
				time.Sleep(time.Millisecond)
			}
		})
		s.do(ops.Recvmsg(b, in, unix.MSG_WAITALL))
		s.note(string(in.Buffers[0]), string(in.Buffers[2]), string(in.Buffers[3]), in.Received())
		block := make([]byte, 1<<20)
		s.soon(func() {
			for n := 0; n < 2<<20; {
				k, err := unix.Read(b, block)
				if err != nil {
					return
				}
				n += k
			}
		})
		s.do(ops.Sendmsg(a, ops.NewMsg(make([]byte, 1<<20), make([]byte, 1<<20)), unix.MSG_WAITALL))
	})
}

func TestCompareCommands(t *testing.T) {
	compare(t, func(s *stage) {
		listener := s.open(ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
		s.do(ops.Bind(listener, loopback))
		s.do(ops.Listen(listener, 8))
		where, err := unix.Getsockname(listener)
		require.NoError(s, err)
		client := s.open(ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
		require.NoError(s, unix.Connect(client, where))
		server := s.open(ops.Accept(listener, 0))
		_, err = unix.Write(client, []byte("123"))
		require.NoError(s, err)
		require.Eventually(s, func() bool { return s.way(ops.SocketInq(server)) == 3 }, time.Minute, time.Millisecond)
		s.do(ops.SocketInq(server))
		s.do(ops.SocketOutq(server))
		s.do(ops.SocketInq(listener))
		value := make([]byte, 8)
		s.do(ops.SetsockoptInt(client, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1))
		s.do(ops.Getsockopt(client, unix.SOL_SOCKET, unix.SO_KEEPALIVE, value))
		s.note(binary.NativeEndian.Uint32(value))
		s.do(ops.SetsockoptInt(client, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		s.do(ops.Getsockopt(client, unix.IPPROTO_TCP, unix.TCP_NODELAY, value))
		s.do(ops.Getsockopt(client, unix.SOL_SOCKET, 9999, value))
		s.do(ops.Getsockopt(client, unix.SOL_SOCKET, unix.SO_KEEPALIVE, value[:2]))
		s.do(ops.Setsockopt(client, unix.SOL_SOCKET, unix.SO_KEEPALIVE, value[:1]))
		s.do(ops.SocketInq(s.file("f", "")))
		s.do(ops.SocketInq(closed))
	})
}
