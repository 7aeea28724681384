package ring_test

import (
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// joined returns the first n bytes that are in m's buffers.
func joined(m *ops.Msg, n int) string {
	var b strings.Builder
	for _, buf := range m.Buffers {
		b.Write(buf)
	}
	return b.String()[:n]
}

func skipInq(t *testing.T, r *ring.Ring) {
	t.Helper()
	if why := testkit.AddsInq(); why != "" && !isPortable(r) {
		t.Skip(why)
	}
}

func TestOpMessageBuffers(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		skipInq(t, r)
		out := ops.NewMsg([]byte("several"), nil, []byte(", "), []byte("buffers"))
		in := ops.NewMsg(make([]byte, 3), make([]byte, 0), make([]byte, 20))
		for range 2 { // a Msg can be used again, also the other way round
			c := do(t, r, ops.Sendmsg(a, out, 0))
			assert.Equal(t, 16, c.N())
			assert.Same(t, out, c.Arg)
			c = do(t, r, ops.Recvmsg(b, in, 0))
			assert.Equal(t, "several, buffers", joined(in, c.N()))
			assert.Nil(t, in.Source())
			assert.Empty(t, in.Ancillary())
			assert.Zero(t, in.Received())
		}
		id := start(t, r, ops.Recvmsg(a, out, 0))
		do(t, r, ops.Sendmsg(b, in, 0))
		assert.Equal(t, 16, finish(t, r, id).N())
		assert.Equal(t, "several, buffers", joined(out, 16))
		waits(t, r)
		rest := ops.NewMsg(make([]byte, 20))
		assert.Equal(t, 7, do(t, r, ops.Recvmsg(a, rest, 0)).N())

		many := ops.NewMsg()
		for range 1024 {
			many.Buffers = append(many.Buffers, []byte("m"))
		}
		assert.Equal(t, 1024, do(t, r, ops.Sendmsg(a, many, 0)).N())
		assert.Equal(t, 1024, do(t, r, ops.Recvmsg(b, many, unix.MSG_WAITALL)).N())
	})
}

func TestOpMessageUDP(t *testing.T) {
	for _, home := range []string{"127.0.0.1", "::1"} {
		t.Run(home, func(t *testing.T) {
			eachRing(t, func(t *testing.T, r *ring.Ring) {
				for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
					a, aAddr := udp(t, netip.MustParseAddr(home), flags)
					b, bAddr := udp(t, netip.MustParseAddr(home), flags)
					exchange(t, r, a, b, aAddr, bAddr)
				}
			})
		})
	}
}

// udp returns a UDP socket bound to a free port.
func udp(t *testing.T, ip netip.Addr, flags int) (int, netip.AddrPort) {
	t.Helper()
	domain, bind := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: ip.As16()})
	if ip.Is4() {
		domain, bind = unix.AF_INET, &unix.SockaddrInet4{Addr: ip.As4()}
	}
	fd := socket(t, domain, unix.SOCK_DGRAM|flags)
	if err := unix.Bind(fd, bind); err != nil {
		t.Skipf("no %v here: %v", ip, err)
	}
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	if six, ok := name.(*unix.SockaddrInet6); ok {
		return fd, netip.AddrPortFrom(ip, uint16(six.Port))
	}
	return fd, netip.AddrPortFrom(ip, uint16(name.(*unix.SockaddrInet4).Port))
}

// exchange sends datagrams from a to b and looks where they came from.
func exchange(t *testing.T, r *ring.Ring, a, b int, aAddr, bAddr netip.AddrPort) {
	t.Helper()
	out := ops.NewMsg([]byte("data"), []byte("gram"))
	out.Addr = ops.Inet(bAddr)
	in := ops.NewMsg(make([]byte, 4), make([]byte, 20))
	in.Addr = new(ops.Sockaddr)
	id := start(t, r, ops.Recvmsg(b, in, 0))
	assert.Equal(t, 8, do(t, r, ops.Sendmsg(a, out, 0)).N())
	assert.Equal(t, "datagram", joined(in, finish(t, r, id).N()))
	assert.Equal(t, aAddr, in.Source().AddrPort())
	assert.Zero(t, in.Received())

	in.Buffers = in.Buffers[:1] // now the datagram does not fit
	in.Addr = ops.UNIX("/left/from/another/use/that/was/longer")
	do(t, r, ops.Sendmsg(a, out, 0))
	assert.Equal(t, 4, do(t, r, ops.Recvmsg(b, in, 0)).N())
	assert.Equal(t, unix.MSG_TRUNC, in.Received())
	assert.Equal(t, aAddr, in.Source().AddrPort())

	out.Addr = in.Source() // the answer
	do(t, r, ops.Sendmsg(b, out, 0))
	assert.Equal(t, 4, do(t, r, ops.Recvmsg(a, in, 0)).N())
	assert.Equal(t, bAddr, in.Source().AddrPort())
}

// Descriptors travel over UNIX sockets, and arrive close-on-exec if asked for.
func TestOpMessageDescriptors(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		skipInq(t, r)
		if sockopt(t, a, unix.SO_DOMAIN) != unix.AF_UNIX {
			return
		}
		rd, wr := pipe(t)
		out := ops.NewMsg([]byte("x"))
		out.Control = unix.UnixRights(wr, rd)
		in := ops.NewMsg(make([]byte, 1))
		in.Control = make([]byte, 100)
		for _, flags := range []int{0, unix.MSG_CMSG_CLOEXEC} {
			do(t, r, ops.Sendmsg(a, out, 0))
			do(t, r, ops.Recvmsg(b, in, flags))
			assert.Equal(t, flags, in.Received())
			fds := rights(t, in)
			require.Len(t, fds, 2)
			write(t, fds[0], "passed")
			assert.Equal(t, "passed", string(do(t, r, ops.Read(fds[1], make([]byte, 10), ops.Current)).Bytes()))
			for _, fd := range fds {
				assert.Equal(t, flags != 0, fcntl(t, fd, unix.F_GETFD) == unix.FD_CLOEXEC)
				require.NoError(t, unix.Close(fd))
			}
		}
		out.Control = nil // nothing of an earlier use is sent again
		do(t, r, ops.Sendmsg(a, out, 0))
		do(t, r, ops.Recvmsg(b, in, 0))
		assert.Empty(t, in.Ancillary())
		assert.Zero(t, in.Received())
	})
}

// rights returns the descriptors that came with m.
func rights(t testing.TB, m *ops.Msg) (fds []int) {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(m.Ancillary())
	require.NoError(t, err)
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		require.NoError(t, err)
		fds = append(fds, some...)
	}
	return fds
}

// Ancillary data that does not fit is cut off, and the flags say so. The
// descriptors in the rest are not left open.
func TestOpMessageControlTruncated(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		rd, wr := pipe(t)
		out := ops.NewMsg([]byte("x"))
		out.Control = unix.UnixRights(rd, wr, rd)
		for _, room := range []int{0, 1, unix.CmsgLen(0), unix.CmsgLen(4)} {
			before := len(openFiles())
			in := ops.NewMsg(make([]byte, 1))
			in.Control = make([]byte, room)
			do(t, r, ops.Sendmsg(a, out, 0))
			do(t, r, ops.Recvmsg(b, in, unix.MSG_CMSG_CLOEXEC))
			assert.Equal(t, unix.MSG_CTRUNC|unix.MSG_CMSG_CLOEXEC, in.Received(), "room for %d bytes", room)
			if room == unix.CmsgLen(4) {
				for _, fd := range rights(t, in) {
					require.NoError(t, unix.Close(fd))
				}
			}
			assert.Len(t, openFiles(), before, "room for %d bytes", room)
		}
	})
}

// Credentials are checked and delivered as with plain calls.
func TestOpMessageCredentials(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_DGRAM)
		require.NoError(t, unix.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
		out := ops.NewMsg([]byte("x"))
		me := unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
		out.Control = unix.UnixCredentials(&me)
		do(t, r, ops.Sendmsg(a, out, 0))
		in := ops.NewMsg(make([]byte, 1))
		in.Control = make([]byte, 100)
		do(t, r, ops.Recvmsg(b, in, 0))
		messages, err := unix.ParseSocketControlMessage(in.Ancillary())
		require.NoError(t, err)
		require.Len(t, messages, 1)
		got, err := unix.ParseUnixCredentials(&messages[0])
		require.NoError(t, err)
		assert.Equal(t, &me, got)
	})
}

func TestOpMessageCancel(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			a, b := unixPair(t, unix.SOCK_DGRAM|flags)
			in := ops.NewMsg(make([]byte, 1))
			in.Control = make([]byte, 100)
			cancels(t, r, ops.Recvmsg(b, in, 0), onFD(b))
			fillSocket(t, a, 1)
			cancels(t, r, ops.Sendmsg(a, ops.NewMsg([]byte("x")), 0), onFD(a))
			id := start(t, r, ops.Sendmsg(a, ops.NewMsg([]byte("x")), 0))
			for r.Stats().Ready == 0 { // the writer is told when there is ample room
				do(t, r, ops.Recvmsg(b, in, 0))
			}
			finish(t, r, id)
		}
	})
}

func TestOpMessageFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, _ := unixPair(t, unix.SOCK_DGRAM)
		idle := socket(t, unix.AF_UNIX, unix.SOCK_DGRAM)
		rd, wr := pipe(t)
		m := ops.NewMsg([]byte("x"))
		fails(t, r, ops.Recvmsg(a, m, unix.MSG_DONTWAIT), syscall.EAGAIN, onFD(a))
		fails(t, r, ops.Sendmsg(idle, m, 0), syscall.ENOTCONN, onFD(idle))
		fails(t, r, ops.Sendmsg(wr, m, 0), syscall.ENOTSOCK, onFD(wr))
		fails(t, r, ops.Recvmsg(rd, m, 0), syscall.ENOTSOCK, onFD(rd))
		fails(t, r, ops.Recvmsg(noFD, m, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Sendmsg(noFD, m, 0), syscall.EBADF, onFD(noFD))
		m.Addr = ops.UNIX(t.TempDir() + "/none")
		fails(t, r, ops.Sendmsg(idle, m, 0), syscall.ENOENT, onFD(idle))
		m.Addr, m.Control = nil, unix.UnixRights(noFD)
		fails(t, r, ops.Sendmsg(a, m, 0), syscall.EBADF, onFD(a))
		m.Control = []byte("not control data")
		fails(t, r, ops.Sendmsg(a, m, 0), syscall.EINVAL, onFD(a))
		big := ops.NewMsg(make([]byte, 4<<20))
		fails(t, r, ops.Sendmsg(a, big, 0), syscall.EMSGSIZE, onFD(a))
		for _, req := range []ops.Request{
			ops.Sendmsg(a, nil, 0),
			ops.Recvmsg(a, ops.NewMsg(make([][]byte, 1025)...), 0),
			ops.Sendmsg(a, &ops.Msg{Addr: new(ops.Sockaddr)}, 0),
		} {
			_, err := r.Submit(req)
			assert.ErrorIs(t, err, ops.ErrInvalid)
			assert.Contains(t, err.Error(), "msg: invalid request: ")
		}
	})
}

// A datagram socket that is shut down is at its end, for those who wait already and
// for those who come later.
func TestOpRecvShutDown(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|flags, 0)
			require.NoError(t, err)
			closeAtEnd(t, fds[:]...)
			if flags == 0 {
				submit(t, r, ops.Recv(fds[0], make([]byte, 8), 0))
				takeNone(t, r)
			}
			require.NoError(t, unix.Shutdown(fds[0], unix.SHUT_RD))
			if flags == 0 {
				c := takeOne(t, r)
				require.NoError(t, c.Err())
				require.Zero(t, c.N())
			} else if !isPortable(r) {
				continue // the kernel says EAGAIN for ever
			}
			require.Zero(t, do(t, r, ops.Recv(fds[0], make([]byte, 8), 0)).N())
			require.Zero(t, do(t, r, ops.Recvmsg(fds[0], ops.NewMsg(make([]byte, 8)), 0)).N())
		}
	})
}
