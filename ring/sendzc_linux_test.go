package ring_test

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// readAll reads n bytes from fd.
func readAll(t testing.TB, fd, n int) []byte {
	t.Helper()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	f := os.NewFile(uintptr(dup), "")
	defer f.Close()
	buf := make([]byte, n)
	_, err = io.ReadFull(f, buf)
	require.NoError(t, err)
	return buf
}

// A zero-copy send has one completion, with the result of the send, when the
// kernel has let go of the buffer. (trap 22)
func TestSendZC(t *testing.T) {
	needs(t, "6.2")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := tcpPair(t, 0)
		data := bytes.Repeat([]byte("0123456789abcdef"), 2000)
		for _, req := range []ops.Request{
			ops.SendZC(a, data, unix.MSG_WAITALL),
			ops.SendmsgZC(a, ops.NewMsg(data[:1000], data[1000:]), unix.MSG_WAITALL),
		} {
			id := submit(t, r, req.WithTag("tag"))
			require.NoError(t, r.Flush())
			assert.Equal(t, data, readAll(t, b, len(data)))
			c := finish(t, r, id)
			assert.Equal(t, len(data), c.N())
			assert.Equal(t, "tag", c.Tag)
			assert.Equal(t, ops.FlagCopied, c.Flags, "loopback copies")
			waits(t, r)
		}
		d := direct(t, r, ops.Register(a))
		do(t, r, ops.SendZC(d.FD(), []byte("x"), 0))
		assert.Equal(t, "x", string(readAll(t, b, 1)))
		do(t, r, ops.Close(d.FD()))
	})
}

func TestSendZCFixed(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{})
		a, b := tcpPair(t, 0)
		buf := lend(t, p, 10000)
		copy(buf.Bytes(), "hello")
		assert.Equal(t, 5, do(t, r, ops.SendZCFixed(a, buf.Slice(0, 5), 0)).N())
		assert.Equal(t, "hello", string(readAll(t, b, 5)))
		buf.Release()
		_, err := r.Submit(ops.SendZCFixed(a, buf, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

func TestSendZCFails(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, _ := unixPair(t, unix.SOCK_STREAM)
		if !isPortable(r) { // which copies, and can do so with every socket
			fails(t, r, ops.SendZC(a, []byte("x"), 0), syscall.EOPNOTSUPP, onFD(a))
		}
		fails(t, r, ops.SendZC(-1, []byte("x"), 0), syscall.EBADF, "fd -1")
		rd, _ := pipe(t)
		fails(t, r, ops.SendmsgZC(rd, ops.NewMsg([]byte("x")), 0), syscall.ENOTSOCK, onFD(rd))
		s := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		fails(t, r, ops.SendZC(s, []byte("x"), 0), syscall.EPIPE, onFD(s))
		a, b := tcpPair(t, 0)
		require.NoError(t, unix.SetsockoptLinger(b, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
		require.NoError(t, unix.Shutdown(a, unix.SHUT_WR))
		fails(t, r, ops.SendZC(a, []byte("x"), 0), syscall.EPIPE, onFD(a))
		_, err := r.Submit(ops.SendmsgZC(a, nil, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		bad := ops.SendZC(a, nil, 0)
		bad.Mode = 0
		_, err = r.Submit(bad)
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// One that waits for room in the socket can be cancelled; O_NONBLOCK or not.
func TestSendZCCancelled(t *testing.T) {
	needs(t, "6.1")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
			a, b := tcpPair(t, flags)
			n := fillForGood(t, a, b)
			req := ops.SendZC(a, make([]byte, 1000), 0)
			cancels(t, r, req, onFD(a))
			cancels(t, r, ops.SendmsgZC(a, ops.NewMsg(make([]byte, 1000)), 0), onFD(a))
			_, err := try(t, r, req.WithTimeout(time.Millisecond))
			explains(t, err, ops.CodeSendZC, onFD(a), ops.ErrTimeout)
			id := start(t, r, req)
			require.NoError(t, unix.SetNonblock(b, false))
			readAll(t, b, n)
			assert.Equal(t, 1000, finish(t, r, id).N())
		}
	})
}

// While the peer has not taken the data the buffer is the kernel's, and Cancel does
// not change the result.
func TestSendZCHeldByTheNetwork(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := tcpPair(t, 0)
		data := bytes.Repeat([]byte("x"), 60000)
		for range 20 {
			id := submit(t, r, ops.SendZC(a, data, unix.MSG_WAITALL))
			_ = r.Cancel(id)
			c := next(t, r)
			require.Equal(t, id, c.ID)
			if c.Err() != nil {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				continue
			}
			readAll(t, b, c.N())
		}
	})
}

func TestSendZCInChain(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := tcpPair(t, 0)
		s := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		require.NoError(t, r.SubmitAll(ops.Chain(
			ops.SendZC(a, []byte("one"), unix.MSG_WAITALL).WithTag(1),
			ops.SendZC(a, []byte("two"), unix.MSG_WAITALL).WithTag(2),
			ops.SendZC(s, []byte("not connected"), unix.MSG_WAITALL).WithTag(3),
			ops.SendZC(a, []byte("four"), unix.MSG_WAITALL).WithTag(4)), nil))
		require.NoError(t, r.Flush())
		assert.Equal(t, "onetwo", string(readAll(t, b, 6)))
		all := byTag(t, take(t, r, 4))
		assert.Equal(t, int32(3), all[1].Res)
		assert.Equal(t, int32(3), all[2].Res)
		assert.Equal(t, -int32(syscall.EPIPE), all[3].Res)
		assert.Equal(t, -int32(syscall.ECANCELED), all[4].Res)
	})
}
