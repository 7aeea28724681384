package ring_test

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// fdOf returns the descriptor of an os.File or net.Conn, which has O_NONBLOCK,
// without changing that as Fd would.
func fdOf(t testing.TB, c syscall.Conn) (fd int) {
	t.Helper()
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(u uintptr) { fd = int(u) }))
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	require.NoError(t, err)
	require.NotZero(t, flags&unix.O_NONBLOCK)
	return fd
}

// The descriptors of package net all have O_NONBLOCK: requests wait all the same
// (trap 10).
func TestNetConnections(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		lfd := fdOf(t, l.(*net.TCPListener))
		submit(t, r, ops.Accept(lfd, unix.SOCK_NONBLOCK).Keeping(l).WithTag("accept"))
		takeNone(t, r)
		client, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer func() { _ = client.Close() }()
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		conn := c.FD()
		closeAtEnd(t, conn)
		fd := fdOf(t, client.(*net.TCPConn))

		submit(t, r, ops.Recv(fd, make([]byte, 8), 0).Keeping(client))
		takeNone(t, r)
		write(t, conn, "hello")
		c = takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, "hello", string(c.Bytes()))

		submit(t, r, ops.Read(conn, make([]byte, 8), ops.Current))
		takeNone(t, r)
		_, err = client.Write([]byte("world"))
		require.NoError(t, err)
		c = takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, "world", string(c.Bytes()))

		// Until the socket is full, then one that waits.
		block := make([]byte, 1<<20)
		for {
			submit(t, r, ops.Send(fd, block, 0).Keeping(client))
			var dst [1]ops.Completion
			n, err := r.Wait(dst[:], 1, moment)
			if err != nil {
				require.ErrorIs(t, err, ops.ErrTimeout)
				require.Zero(t, n)
				break
			}
			require.NoError(t, dst[0].Err())
		}
		join := during(t, func() {
			sink := make([]byte, 1<<20)
			for {
				if _, err := unix.Read(conn, sink); err == unix.EAGAIN {
					time.Sleep(time.Millisecond)
				} else if err != nil || unix.Shutdown(conn, 99) == unix.ENOTCONN {
					return
				}
			}
		})
		c = takeOne(t, r)
		require.NoError(t, c.Err())
		require.NotZero(t, c.N())
		require.NoError(t, unix.Shutdown(conn, unix.SHUT_RDWR))
		_ = client.(*net.TCPConn).SetLinger(0)
		require.NoError(t, client.Close())
		join()
	})
}

// Pipes of package os, in both directions, and a device that does not know how
// to wait without blocking, so that the kernel answers EAGAIN (trap 10).
func TestNonblockingFiles(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		rd, wr, err := os.Pipe()
		require.NoError(t, err)
		defer func() { _, _ = rd.Close(), wr.Close() }()
		submit(t, r, ops.Read(fdOf(t, rd), make([]byte, 8), ops.Current).Keeping(rd))
		takeNone(t, r)
		_, err = wr.Write([]byte("pipe"))
		require.NoError(t, err)
		c := takeOne(t, r)
		require.Equal(t, "pipe", string(c.Bytes()))

		watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		require.NoError(t, err)
		closeAtEnd(t, watch)
		dir := t.TempDir()
		_, err = unix.InotifyAddWatch(watch, dir, unix.IN_CREATE)
		require.NoError(t, err)
		for _, how := range []string{"event", "timeout", "cancel", "event"} {
			req := ops.Read(watch, make([]byte, 1000), ops.Current)
			if how == "timeout" {
				req.Timeout = moment
			}
			id := submit(t, r, req)
			if how != "timeout" {
				takeNone(t, r)
			}
			switch how {
			case "cancel":
				require.NoError(t, r.Cancel(id))
			case "event":
				require.NoError(t, os.WriteFile(dir+"/file", nil, 0o600))
				require.NoError(t, os.Remove(dir+"/file"))
			}
			c := takeOne(t, r)
			switch how {
			case "event":
				require.NoError(t, c.Err())
				require.NotZero(t, c.N())
			case "timeout":
				require.ErrorIs(t, c.Err(), ops.ErrTimeout)
			case "cancel":
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
			}
		}
		// Two readers, and one event: one waits on.
		for range 2 {
			submit(t, r, ops.Read(watch, make([]byte, 1000), ops.Current))
		}
		takeNone(t, r)
		for range 2 {
			require.NoError(t, os.WriteFile(dir+"/file", nil, 0o600))
			require.NoError(t, os.Remove(dir+"/file"))
			c = takeOne(t, r)
			require.NoError(t, c.Err())
		}
	})
}

// Whoever asks for EAGAIN gets it.
func TestNoWaitFlags(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
		_, out := pipe(t)
		a, _ := socketpair(t, unix.SOCK_NONBLOCK)
		for name, req := range map[string]ops.Request{
			"read":   ops.Read(in, make([]byte, 1), ops.Current).WithRWFlags(unix.RWF_NOWAIT),
			"recv":   ops.Recv(a, make([]byte, 1), unix.MSG_DONTWAIT),
			"splice": ops.Splice(in, ops.Current, out, ops.Current, 1, unix.SPLICE_F_NONBLOCK),
		} {
			submit(t, r, req)
			c := takeOne(t, r)
			if name == "read" && !testkit.KernelHas("6.4") && r.Info().Engine == ring.IOURing {
				// Pipes do not know the flag; the other engine takes O_NONBLOCK for it.
				assert.ErrorIs(t, c.Err(), syscall.EOPNOTSUPP)
				continue
			}
			assert.ErrorIs(t, c.Err(), syscall.EAGAIN, name)
		}
	})
}
