package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A server comes about, and is connected to, without a call beside the Ring.
//
// covers: bind listen
func TestOpBindAndListen(t *testing.T) {
	needs(t, "6.11")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		dir := t.TempDir()
		for _, addr := range []*ops.Sockaddr{loopback(0), ops.UNIX(dir + "/socket"), ops.UNIX("@sluice-bind-" + dir)} {
			server := own(t, do(t, r, ops.Socket(addr.Family(), unix.SOCK_STREAM, 0)).FD())
			group := ops.Chain(ops.Bind(server, addr), ops.Listen(server, 4))
			require.NoError(t, r.SubmitAll(group, nil))
			for range group {
				require.NoError(t, next(t, r).Err())
			}
			to := addr
			if addr.Family() == unix.AF_INET {
				to = loopback(portOf(t, server))
			}
			client := own(t, do(t, r, ops.Socket(addr.Family(), unix.SOCK_STREAM, 0)).FD())
			do(t, r, ops.Connect(client, to))
			own(t, do(t, r, ops.Accept(server, 0)).FD())

			other := own(t, do(t, r, ops.Socket(addr.Family(), unix.SOCK_STREAM, 0)).FD())
			fails(t, r, ops.Bind(other, to), syscall.EADDRINUSE, to.String())
			if addr.Family() == unix.AF_INET {
				fails(t, r, ops.Bind(server, addr), syscall.EINVAL, addr.String()) // it has one
			}
		}
	})
}

func TestOpBindFailures(t *testing.T) {
	needs(t, "6.11")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "")
		addr := loopback(0)
		fails(t, r, ops.Bind(fd, addr), syscall.ENOTSOCK, addr.String())
		fails(t, r, ops.Bind(noFD, addr), syscall.EBADF, addr.String())
		fails(t, r, ops.Listen(fd, 1), syscall.ENOTSOCK, onFD(fd))
		datagrams := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
		fails(t, r, ops.Listen(datagrams, 1), syscall.EOPNOTSUPP, onFD(datagrams))
		elsewhere := ops.UNIX(t.TempDir() + "/none/socket")
		fails(t, r, ops.Bind(socket(t, unix.AF_UNIX, unix.SOCK_STREAM), elsewhere), syscall.ENOENT, elsewhere.String())
		fails(t, r, ops.Bind(datagrams, ops.UNIX("@of-another-family")), syscall.EAFNOSUPPORT, "@of-another-family")
	})
}

// Datagrams find their way by an address that goes with each.
//
// covers: send
func TestOpSendTo(t *testing.T) {
	needs(t, "6.1")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		to, port := bound(t, unix.SOCK_DGRAM)
		from, fromPort := bound(t, unix.SOCK_DGRAM)
		c := do(t, r, ops.SendTo(from, []byte("datagram"), 0, loopback(port)))
		assert.Equal(t, 8, c.N())
		m := ops.NewMsg(make([]byte, 20))
		m.Addr = new(ops.Sockaddr)
		assert.Equal(t, 8, do(t, r, ops.Recvmsg(to, m, 0)).N())
		assert.EqualValues(t, fromPort, m.Source().AddrPort().Port())
		do(t, r, ops.SendTo(from, nil, 0, loopback(port)))
		assert.Zero(t, do(t, r, ops.Recv(to, make([]byte, 5), 0)).N())

		fails(t, r, ops.Send(from, []byte("x"), 0), syscall.EDESTADDRREQ, onFD(from))
		fails(t, r, ops.SendTo(from, []byte("x"), 0, ops.UNIX("@of-another-family")), syscall.EAFNOSUPPORT, onFD(from))
		fails(t, r, ops.SendTo(from, make([]byte, 1<<16), 0, loopback(port)), syscall.EMSGSIZE, onFD(from))
		a, _ := unixPair(t, unix.SOCK_STREAM)
		fails(t, r, ops.SendTo(a, []byte("x"), 0, ops.UNIX("@x")), syscall.EISCONN, onFD(a))
	})
}

// Flags of a send: more to come, out of band, and none of SIGPIPE.
func TestOpSendFlags(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		client, server := tcpPair(t, 0)
		do(t, r, ops.Send(client, []byte("held "), unix.MSG_MORE))
		do(t, r, ops.Send(client, []byte("back"), 0))
		buf := make([]byte, 9)
		assert.Equal(t, "held back", string(do(t, r, ops.Recv(server, buf, unix.MSG_WAITALL)).Bytes()))
		do(t, r, ops.Send(client, []byte("!"), unix.MSG_OOB|unix.MSG_NOSIGNAL))
		comes(t, func() bool {
			c, err := try(t, r, ops.Recv(server, buf, unix.MSG_OOB))
			return err == nil && string(c.Bytes()) == "!"
		})
		do(t, r, ops.Send(client, []byte("routed"), unix.MSG_DONTROUTE|unix.MSG_EOR|unix.MSG_CONFIRM))
		assert.Equal(t, "routed", string(do(t, r, ops.Recv(server, buf, 0)).Bytes()))
	})
}
