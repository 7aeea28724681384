package ring_test

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// eachStream runs f with the ends of TCP and UNIX connections, blocking and not.
func eachStream(t *testing.T, f func(t *testing.T, r *ring.Ring, a, b int)) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			a, b := tcpPair(t, flags)
			f(t, r, a, b)
			a, b = unixPair(t, unix.SOCK_STREAM|flags)
			f(t, r, a, b)
		}
	})
}

func TestOpSendRecv(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 10)
		assert.Equal(t, 5, do(t, r, ops.Send(a, []byte("hello"), 0)).N())
		assert.Equal(t, "hel", string(do(t, r, ops.Recv(b, buf[:3], 0)).Bytes()))
		assert.Equal(t, "lo", string(do(t, r, ops.Recv(b, buf, 0)).Bytes()))
		assert.Zero(t, do(t, r, ops.Send(a, nil, 0)).N())
		id := start(t, r, ops.Recv(b, buf, 0))
		write(t, a, "later")
		assert.Equal(t, "later", string(finish(t, r, id).Bytes()))

		// Read and Write serve sockets as well.
		id = start(t, r, ops.Read(a, buf, ops.Current))
		do(t, r, ops.Write(b, []byte("back"), ops.Current))
		assert.Equal(t, "back", string(finish(t, r, id).Bytes()))
	})
}

func TestOpRecvFlags(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 4)
		fails(t, r, ops.Recv(b, buf, unix.MSG_DONTWAIT), syscall.EAGAIN, onFD(b))
		write(t, a, "peek")
		assert.Equal(t, "peek", string(do(t, r, ops.Recv(b, buf, unix.MSG_PEEK)).Bytes()))
		assert.Equal(t, "pee", string(do(t, r, ops.Recv(b, buf[:3], unix.MSG_DONTWAIT)).Bytes()))
		assert.Equal(t, "k", string(do(t, r, ops.Recv(b, buf, 0)).Bytes()))
	})
}

func TestOpWaitAll(t *testing.T) {
	needs(t, "5.19")
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 12)
		id := start(t, r, ops.Recv(b, buf, unix.MSG_WAITALL))
		for _, text := range []string{"all ", "of ", "it..."} {
			waits(t, r)
			write(t, a, text)
		}
		assert.Equal(t, "all of it...", string(finish(t, r, id).Bytes()))

		// What has come in is not lost when the rest does not.
		id = start(t, r, ops.Recv(b, buf, unix.MSG_WAITALL))
		write(t, a, "part")
		for left := 1; left != 0; { // until the kernel has taken it
			waits(t, r)
			var err error
			left, err = unix.IoctlGetInt(b, unix.TIOCINQ)
			require.NoError(t, err)
		}
		require.NoError(t, r.Cancel(id))
		assert.Equal(t, "part", string(finish(t, r, id).Bytes()))
		id = start(t, r, ops.Recv(b, buf, unix.MSG_WAITALL))
		write(t, a, "end")
		require.NoError(t, unix.Shutdown(a, unix.SHUT_WR))
		assert.Equal(t, "end", string(finish(t, r, id).Bytes()))
	})
}

// A send that is larger than the socket's buffer: whole with MSG_WAITALL, else
// perhaps short. Nothing is lost or repeated.
func TestOpSendLarge(t *testing.T) {
	needs(t, "5.19")
	text := make([]byte, 8<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		for _, flags := range []int{unix.MSG_WAITALL, 0} {
			id, err := r.Submit(ops.Send(a, text, flags))
			require.NoError(t, err)
			got := make([]byte, 0, len(text))
			total := -1 // that the send has reported
			for len(got) != total {
				var one [1]ops.Completion
				if n, err := r.Wait(one[:], 0, 0); n == 1 {
					require.NoError(t, one[0].Err())
					require.Equal(t, id, one[0].ID)
					total = one[0].N()
				} else {
					require.NoError(t, err)
				}
				c, err := try(t, r, ops.Recv(b, got[len(got):cap(got)], unix.MSG_DONTWAIT))
				if err != nil {
					require.ErrorIs(t, err, syscall.EAGAIN)
				}
				got = append(got, c.Bytes()...)
			}
			if flags == unix.MSG_WAITALL {
				assert.Equal(t, len(text), total)
			}
			assert.Positive(t, total)
			assert.True(t, bytes.Equal(text[:total], got))
		}
	})
}

func TestOpTransferCancel(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 4)
		cancels(t, r, ops.Recv(a, buf, 0), onFD(a))
		cancels(t, r, ops.Read(a, buf, ops.Current), onFD(a))
		full := fillForGood(t, a, b)
		cancels(t, r, ops.Send(a, buf, 0), onFD(a))
		fails(t, r, ops.Send(a, buf, unix.MSG_DONTWAIT), syscall.EAGAIN, onFD(a))
		id := start(t, r, ops.Send(a, []byte("last"), 0))
		var got []byte
		for block := make([]byte, 1<<16); len(got) < full+4; {
			got = append(got, do(t, r, ops.Recv(b, block, 0)).Bytes()...)
		}
		assert.Equal(t, "last", string(got[full:]))
		assert.Equal(t, 4, finish(t, r, id).N())
	})
}

func TestOpPollFirst(t *testing.T) {
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 10)
		write(t, a, "there")
		assert.Equal(t, "there", string(do(t, r, ops.Recv(b, buf, 0).WithPollFirst()).Bytes()))
		id := start(t, r, ops.Recv(b, buf, 0).WithPollFirst())
		assert.Equal(t, 5, do(t, r, ops.Send(a, []byte("later"), 0).WithPollFirst()).N())
		assert.Equal(t, "later", string(finish(t, r, id).Bytes()))
		cancels(t, r, ops.Recv(b, buf, 0).WithPollFirst(), onFD(b))
		cancels(t, r, ops.Recvmsg(b, ops.NewMsg(buf), 0).WithPollFirst(), onFD(b))
		do(t, r, ops.Sendmsg(a, ops.NewMsg([]byte("message")), 0).WithPollFirst())
		assert.Equal(t, 7, do(t, r, ops.Recvmsg(b, ops.NewMsg(buf), 0).WithPollFirst()).N())
		_, err := r.Submit(ops.Read(b, buf, ops.Current).WithPollFirst())
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// Sending to a peer that has gone is EPIPE, and no SIGPIPE ends the process.
func TestOpSendToClosedPeer(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
			require.NoError(t, err)
			fd := own(t, p[0])
			do(t, r, ops.Close(p[1]))
			fails(t, r, ops.Send(fd, []byte("x"), 0), syscall.EPIPE, onFD(fd))
			fails(t, r, ops.Send(fd, []byte("x"), unix.MSG_WAITALL), syscall.EPIPE, onFD(fd))
			fails(t, r, ops.Sendmsg(fd, ops.NewMsg([]byte("x")), 0), syscall.EPIPE, onFD(fd))
			fails(t, r, ops.Write(fd, []byte("x"), ops.Current), syscall.EPIPE, onFD(fd))
			assert.Zero(t, do(t, r, ops.Recv(fd, make([]byte, 1), 0)).N())
		}
	})
}

func TestOpReset(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, port := listenTCP(t, 1, 0)
		for _, message := range []bool{false, true} {
			client := dialTCP(t, port)
			server := acceptPlain(t, listener)
			buf := make([]byte, 1)
			req := ops.Recv(client, buf, 0)
			if message {
				req = ops.Recvmsg(client, ops.NewMsg(buf), 0)
			}
			id := start(t, r, req)
			require.NoError(t, unix.SetsockoptLinger(server, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
			do(t, r, ops.Close(server))
			c := next(t, r)
			assert.Equal(t, id, c.ID)
			explains(t, c.Err(), req.Code, onFD(client), syscall.ECONNRESET)
		}
	})
}

func TestOpShutdown(t *testing.T) {
	needs(t, "5.11")
	eachStream(t, func(t *testing.T, r *ring.Ring, a, b int) {
		buf := make([]byte, 10)
		do(t, r, ops.Send(a, []byte("last"), 0))
		pending := start(t, r, ops.Recv(a, buf, 0))
		assert.Zero(t, do(t, r, ops.Shutdown(a, unix.SHUT_WR)).N())
		fails(t, r, ops.Send(a, buf, 0), syscall.EPIPE, onFD(a))
		other := make([]byte, 10)
		assert.Equal(t, "last", string(do(t, r, ops.Recv(b, other, 0)).Bytes()))
		assert.Zero(t, do(t, r, ops.Recv(b, other, 0)).N(), "half closed")
		do(t, r, ops.Send(b, []byte("answer"), 0))
		assert.Equal(t, "answer", string(finish(t, r, pending).Bytes()))

		// Shutting down the receiving side ends a receive that waits.
		pending = start(t, r, ops.Recv(a, buf, 0))
		do(t, r, ops.Shutdown(a, unix.SHUT_RD))
		assert.Zero(t, finish(t, r, pending).N())
		fails(t, r, ops.Shutdown(b, 9), syscall.EINVAL, onFD(b))
		fails(t, r, ops.Shutdown(noFD, unix.SHUT_WR), syscall.EBADF, onFD(noFD))
	})
}

func TestOpTransferFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		idle := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		dgram := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
		rd, wr := pipe(t)
		buf := make([]byte, 1)
		fails(t, r, ops.Recv(idle, buf, 0), syscall.ENOTCONN, onFD(idle))
		fails(t, r, ops.Send(idle, buf, 0), syscall.EPIPE, onFD(idle))
		fails(t, r, ops.Send(dgram, buf, 0), syscall.EDESTADDRREQ, onFD(dgram))
		fails(t, r, ops.Recv(rd, buf, 0), syscall.ENOTSOCK, onFD(rd))
		fails(t, r, ops.Send(wr, buf, 0), syscall.ENOTSOCK, onFD(wr))
		fails(t, r, ops.Recv(noFD, buf, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Send(noFD, buf, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Shutdown(idle, unix.SHUT_WR), syscall.ENOTCONN, onFD(idle))
		fails(t, r, ops.Shutdown(rd, unix.SHUT_WR), syscall.ENOTSOCK, onFD(rd))
	})
}

func TestOpDatagrams(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_DGRAM)
		buf := make([]byte, 4)
		do(t, r, ops.Send(a, []byte("datagram"), 0))
		do(t, r, ops.Send(a, nil, 0))
		do(t, r, ops.Send(a, []byte("next"), 0))
		c := do(t, r, ops.Recv(b, buf, unix.MSG_PEEK|unix.MSG_TRUNC))
		assert.Equal(t, 8, c.N(), "MSG_TRUNC asks for the real length")
		assert.Equal(t, "data", string(c.Bytes()))
		assert.Equal(t, "data", string(do(t, r, ops.Recv(b, buf, 0)).Bytes()))
		assert.Zero(t, do(t, r, ops.Recv(b, buf, 0)).N(), "the empty datagram")
		assert.Equal(t, "next", string(do(t, r, ops.Recv(b, buf, 0)).Bytes()))
		fails(t, r, ops.Send(a, make([]byte, 4<<20), 0), syscall.EMSGSIZE, onFD(a))
	})
}
