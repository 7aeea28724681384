//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// proxyProcess is the program, run as a proxy.
type proxyProcess struct {
	cmd    *exec.Cmd
	stderr buffer
	addr   string // where it listens
}

func newProxyCommand(flags []string, target string, args ...string) *proxyProcess {
	p := new(proxyProcess)
	p.cmd = command(flags, append([]string{"-listen", "127.0.0.1:0", "-to", target}, args...)...)
	p.cmd.Stderr = &p.stderr
	return p
}

func startProxy(t *testing.T, flags []string, target string, args ...string) *proxyProcess {
	t.Helper()
	p := newProxyCommand(flags, target, args...)
	p.start(t)
	return p
}

// noSockets says why the proxy cannot work here, if so.
var noSockets = sync.OnceValue(func() string {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return "" // the test will tell
	}
	defer r.Close()
	for _, o := range r.Info().Operations {
		if o.Code == ops.CodeSocket && o.Route == ring.Unavailable {
			return "needs " + o.Code.String() + ", Linux " + o.Since
		}
	}
	return ""
})

func (p *proxyProcess) start(t *testing.T) {
	t.Helper()
	if why := noSockets(); why != "" {
		t.Skip(why)
	}
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if strings.Contains(p.stderr.String(), "DATA RACE") || strings.Contains(p.stderr.String(), "panic") {
			t.Error(p.stderr.String())
		}
	})
	require.Eventually(t, func() bool {
		_, rest, found := strings.Cut(p.stderr.String(), "listening on ")
		p.addr, _, _ = strings.Cut(rest, "\n")
		return found
	}, patience, time.Millisecond, "it does not listen")
}

func (p *proxyProcess) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

func (p *proxyProcess) wait(t *testing.T) int {
	t.Helper()
	timer := time.AfterFunc(2*patience, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) })
	defer timer.Stop()
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

func (p *proxyProcess) stop(t *testing.T, s syscall.Signal) int {
	t.Helper()
	p.signal(t, s)
	return p.wait(t)
}

func (p *proxyProcess) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// says waits for a message.
func (p *proxyProcess) says(t *testing.T, text string) {
	t.Helper()
	assert.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), text) },
		patience, time.Millisecond, text)
}

// holdings is what a process has of the system.
type holdings struct{ fds, threads, maps, rss int }

func (p *proxyProcess) look(t *testing.T) (h holdings) {
	t.Helper()
	count := func(what string) int {
		entries, err := os.ReadDir(p.proc(what))
		require.NoError(t, err)
		return len(entries)
	}
	h.fds, h.threads = count("fd"), count("task")
	maps, err := os.ReadFile(p.proc("maps"))
	require.NoError(t, err)
	h.maps = strings.Count(string(maps), "\n")
	statm, err := os.ReadFile(p.proc("statm"))
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	require.NoError(t, err)
	h.rss = pages * os.Getpagesize()
	return h
}

func (p *proxyProcess) proc(what string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, what)
}

// settles waits until the process has no more descriptors than before.
func (p *proxyProcess) settles(t *testing.T, before holdings) {
	t.Helper()
	if !assert.Eventually(t, func() bool { return p.look(t).fds == before.fds }, patience, 5*time.Millisecond) {
		t.Logf("before %+v, now %+v", before, p.look(t))
		fds, _ := exec.Command("ls", "-l", p.proc("fd")).CombinedOutput()
		t.Log(string(fds))
	}
}

// quiet waits until the number of descriptors does not change any more.
func (p *proxyProcess) quiet(t *testing.T) {
	t.Helper()
	last := -1
	require.Eventually(t, func() bool {
		now := p.look(t).fds
		defer func() { last = now }()
		return now == last
	}, patience, 50*time.Millisecond)
}

// listen serves every connection with f, and closes it then.
func listen(t *testing.T, f func(*net.TCPConn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

func echo(t *testing.T, c *net.TCPConn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
	got := make([]byte, len(text))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
}

// expect reads c to its end.
func expect(c io.Reader, want []byte) error {
	got, err := io.ReadAll(c)
	if err == nil && string(got) != string(want) {
		err = fmt.Errorf("read: %s", difference(got, want))
	}
	return err
}
