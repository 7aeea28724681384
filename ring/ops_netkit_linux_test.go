package ring_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// loopback returns the address of port on 127.0.0.1, as Connect takes it.
func loopback(port int) *ops.Sockaddr {
	return ops.Inet(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)))
}

// socket returns a new socket; typ may hold unix.SOCK_NONBLOCK.
func socket(t testing.TB, domain, typ int) int {
	t.Helper()
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return own(t, fd)
}

// unixPair returns two connected UNIX sockets.
func unixPair(t testing.TB, typ int) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return own(t, p[0]), own(t, p[1])
}

// bound returns an IPv4 socket bound to a free port of the loopback interface.
func bound(t testing.TB, typ int) (fd, port int) {
	t.Helper()
	fd = socket(t, unix.AF_INET, typ)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	return fd, portOf(t, fd)
}

// portOf returns the port that fd is bound to.
func portOf(t testing.TB, fd int) int {
	t.Helper()
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	return name.(*unix.SockaddrInet4).Port
}

// listenTCP returns a listening TCP socket; flags may be unix.SOCK_NONBLOCK.
func listenTCP(t testing.TB, backlog, flags int) (fd, port int) {
	t.Helper()
	fd, port = bound(t, unix.SOCK_STREAM|flags)
	require.NoError(t, unix.Listen(fd, backlog))
	return fd, port
}

// listenUNIX returns a listening UNIX socket in the abstract namespace.
func listenUNIX(t testing.TB, backlog int) (fd int, addr *ops.Sockaddr) {
	t.Helper()
	fd = socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	addr = ops.UNIX(fmt.Sprintf("@sluice-%d-%s", unix.Getpid(), t.Name()))
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: addr.Path()}))
	require.NoError(t, unix.Listen(fd, backlog))
	return fd, addr
}

// dialTCP connects a new socket to a port of listenTCP, by plain calls.
func dialTCP(t testing.TB, port int) int {
	t.Helper()
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	require.NoError(t, unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
	return fd
}

// tcpPair returns the two ends of a TCP connection; flags may be
// unix.SOCK_NONBLOCK.
func tcpPair(t testing.TB, flags int) (client, server int) {
	t.Helper()
	listener, port := listenTCP(t, 1, 0)
	client = dialTCP(t, port)
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|flags)
	require.NoError(t, err)
	require.NoError(t, unix.SetNonblock(client, flags != 0))
	return client, own(t, server)
}

// fillSocket sends pieces of that size until the socket takes no more.
func fillSocket(t testing.TB, fd, size int) (total int) {
	t.Helper()
	for block := make([]byte, size); ; {
		n, err := unix.SendmsgN(fd, block, nil, nil, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return total
		}
		require.NoError(t, err)
		total += n
	}
}

// fillForGood is fillSocket for a connection from a to b that stays full. TCP makes
// room again when it is acknowledged, which may be put off for 200 ms, and when it
// probes a window that is larger than what it sends with: while there is a window.
func fillForGood(t testing.TB, a, b int) (total int) {
	t.Helper()
	if domain, _ := unix.GetsockoptInt(a, unix.SOL_SOCKET, unix.SO_DOMAIN); domain == unix.AF_UNIX {
		return fillSocket(t, a, 512)
	}
	require.NoError(t, unix.SetsockoptInt(a, unix.SOL_SOCKET, unix.SO_SNDBUF, 4096))
	require.NoError(t, unix.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		info, err := unix.GetsockoptTCPInfo(a, unix.IPPROTO_TCP, unix.TCP_INFO)
		require.NoError(t, err)
		n := fillSocket(t, a, 512)
		if total += n; n == 0 && info.Snd_wnd == 0 {
			return total
		}
		require.True(t, time.Now().Before(end), "not full: %d bytes, window %d", total, info.Snd_wnd)
	}
}
