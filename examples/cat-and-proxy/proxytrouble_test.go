//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestRefusedTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	target := l.Addr().String()
	l.Close()
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, target, "-stats")
		before := p.look(t)
		for range 3 {
			c := p.dial(t)
			_, err := c.Read(make([]byte, 1))
			assert.ErrorIs(t, err, io.EOF)
			c.Close()
		}
		p.settles(t, before)
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
		text := "cat-and-proxy: connect " + target + ": connection refused\n"
		assert.Equal(t, 3, strings.Count(p.stderr.String(), text), p.stderr.String())
		assert.Contains(t, p.stderr.String(), "3 refused")
	})
}

// A target that never answers: its backlog is full.
func TestSilentTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as connectTimeout")
	}
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	target := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for { // until one is not answered
		c, err := net.DialTimeout("tcp", target, time.Second)
		if err != nil {
			break
		}
		defer c.Close()
	}
	p := startProxy(t, nil, target)
	before := p.look(t)
	c := p.dial(t)
	_, err = c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
	c.Close()
	p.says(t, "connect "+target+": timed out")
	p.settles(t, before)
}

// The reset of a client, or of its target, is passed on, and is nobody else's
// business.
func TestResets(t *testing.T) {
	var resets atomic.Int32
	target := listen(t, func(c *net.TCPConn) {
		_, err := io.Copy(c, c)
		if err != nil {
			resets.Add(1)
		}
	})
	rude := listen(t, func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		_ = c.SetLinger(0)
	})
	eachMode(t, func(t *testing.T, flags ...string) {
		resets.Store(0)
		p := startProxy(t, flags, target)
		before := p.look(t)
		stays := p.dial(t)
		echo(t, stays, "before")
		for range 10 {
			c := p.dial(t)
			echo(t, c, "hello")
			require.NoError(t, c.SetLinger(0))
			c.Close()
		}
		assert.Eventually(t, func() bool { return resets.Load() == 10 }, patience, time.Millisecond)
		echo(t, stays, "after")
		stays.Close()
		p.settles(t, before)

		p = startProxy(t, flags, rude)
		c := p.dial(t)
		_, err := c.Write([]byte("hello"))
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
	})
}

// Clients that are killed in the middle of a download take nobody along.
func TestKilledClients(t *testing.T) {
	f := serveFiles(t, downloadSize())
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, f.addr())
		before := p.look(t)
		var victims []*exec.Cmd
		for range 10 {
			victims = append(victims, startHelper(t, roleStall, p.addr))
		}
		done := make(chan error, 1)
		go func() {
			done <- parallel(min(30, downloads()), func(i int) error { return f.download(p.addr, i) })
		}()
		for _, v := range victims {
			require.NoError(t, v.Process.Kill())
			_ = v.Wait()
		}
		assert.NoError(t, <-done)
		p.settles(t, before)
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
	})
}

// A target that is killed takes its connections along; the next one at the same
// address is served.
func TestKilledTarget(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		target := l.Addr().String()
		l.Close()
		p := startProxy(t, flags, target)
		before := p.look(t)
		for range 2 {
			server := startHelper(t, roleServe, target)
			var conns []*net.TCPConn
			for range longOr(10, 2) {
				c := p.dial(t)
				conns = append(conns, c)
				_, err := io.ReadFull(c, make([]byte, 1<<20)) // in the middle of it
				require.NoError(t, err)
			}
			require.NoError(t, server.Process.Kill())
			_ = server.Wait()
			for _, c := range conns {
				_, _ = io.Copy(io.Discard, c) // ends, one way or the other
				c.Close()
			}
		}
		p.settles(t, before)
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
	})
}

// Twenty thousand connections leave nothing behind.
func TestManyConnections(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) {
		_, _ = io.Copy(c, c)
	})
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, target)
		connect := func(n int) error {
			const workers = 8
			return parallel(workers, func(int) error {
				for range n / workers {
					if err := quick(p.addr); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, connect(longOr(800, 80))) // threads and heap are what they will be
		p.quiet(t)
		before := p.look(t)
		n := 20_000
		if testing.Short() {
			n = 400
		}
		assert.NoError(t, connect(n))
		p.settles(t, before)
		after := p.look(t)
		assert.LessOrEqual(t, after.threads, before.threads+1) // the runtime may want another
		assert.LessOrEqual(t, after.maps, before.maps+4)       // and a little more heap
		assert.Less(t, after.rss-before.rss, 8<<20)
	})
}

// quick makes a connection, sees that it works, and leaves no TIME_WAIT.
func quick(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// Without descriptors for more, clients wait; those inside go on.
func TestOutOfDescriptors(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	eachMode(t, func(t *testing.T, flags ...string) {
		for _, limit := range []string{"100", "101"} { // a client needs two
			p := startLimited(t, flags, target, limit)
			before := p.look(t)
			var inside []*net.TCPConn
			var waiting *net.TCPConn
			for waiting == nil && len(inside) < 100 {
				c := p.dial(t)
				require.NoError(t, c.SetDeadline(time.Now().Add(time.Second)))
				_, _ = c.Write([]byte("in?"))
				if _, err := io.ReadFull(c, make([]byte, 3)); err != nil {
					waiting = c
				} else {
					inside = append(inside, c)
				}
			}
			assert.Greater(t, len(inside), 10)
			require.NotNil(t, waiting)
			for _, c := range inside {
				require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
				echo(t, c, "still here")
			}
			for _, c := range inside {
				c.Close()
			}
			require.NoError(t, waiting.SetDeadline(time.Now().Add(patience)))
			_, err := io.ReadFull(waiting, make([]byte, 3))
			assert.NoError(t, err, "its turn has come")
			waiting.Close()
			p.settles(t, before)
			assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
			assert.Equal(t, 1, strings.Count(p.stderr.String(), "too many open files"), p.stderr.String())
		}
	})
}

// More clients at once than there are descriptors: none is lost, and they do not
// keep each other from being connected.
func TestBurst(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startLimited(t, flags, target, "100")
		before := p.look(t)
		assert.NoError(t, parallel(300, func(int) error { return quick(p.addr) }))
		p.settles(t, before)
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
	})
}

// startLimited starts a proxy that may have limit descriptors.
func startLimited(t *testing.T, flags []string, target, limit string) *proxyProcess {
	t.Helper()
	p := newProxyCommand(flags, target)
	p.cmd.Args = append([]string{"sh", "-c", "ulimit -n " + limit + `; exec "$@"`, "sh", executable}, p.cmd.Args[1:]...)
	var err error
	p.cmd.Path, err = exec.LookPath("sh")
	require.NoError(t, err)
	p.start(t)
	return p
}

// Urgent bytes, which splice does not move, pass like all others.
func TestUrgentBytes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, l.Addr().String())
		client := p.dial(t)
		target, err := l.Accept()
		require.NoError(t, err)
		for _, way := range [][2]net.Conn{{client, target}, {target, client}} {
			raw, err := way[0].(*net.TCPConn).SyscallConn()
			require.NoError(t, err)
			for range 3 {
				require.NoError(t, control(raw, func(fd int) error {
					return errors.Join(unix.Send(fd, []byte("before"), 0), unix.Send(fd, []byte("!"), unix.MSG_OOB),
						unix.Send(fd, []byte("after"), 0))
				}))
				got := make([]byte, len("before!after"))
				require.NoError(t, way[1].SetReadDeadline(time.Now().Add(patience)))
				_, err = io.ReadFull(way[1], got)
				require.NoError(t, err)
				require.Equal(t, "before!after", string(got))
			}
		}
		require.NoError(t, client.Close())
		require.NoError(t, target.Close())
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
	})
}

// With -listen, standard output is not needed, and nobody reads standard input.
func TestNoFiles(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	p := newProxyCommand(nil, target)
	p.cmd.Stdin = os.Stdin
	p.start(t)
	echo(t, p.dial(t), "hello")
}
