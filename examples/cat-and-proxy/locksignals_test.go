//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// heldFile makes a file that this process, which is another one to the program,
// has locked. release gives the lock back.
func heldFile(t *testing.T, name, text string) (path string, release func()) {
	path = writeFile(t, t.TempDir(), name, []byte(text))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_EX))
	return path, func() { require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_UN)) }
}

func TestLockTimeout(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		path, release := heldFile(t, "held", "secret")
		free := writeFile(t, t.TempDir(), "free", []byte("free"))
		for _, kind := range []string{"shared", "exclusive"} {
			r := runCommand(t, command(flags, "-lock", kind, "-lock-timeout", "50ms", path, free))
			assert.Equal(t, 1, r.status)
			assert.Equal(t, "free", r.out, "the rest continues")
			assert.Contains(t, r.err, path+": locked by somebody else for more than 50ms")
		}
		release()
		r := runCommand(t, command(flags, "-lock", "exclusive", path, free, path))
		assert.Zero(t, r.status)
		assert.Equal(t, "secretfreesecret", r.out)
	})
}

// While a lock waits, the proxy goes on, and so do signals.
func TestProxyWhileLockWaits(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		target := listen(t, func(c *net.TCPConn) {
			b := make([]byte, 4)
			if n, err := c.Read(b); err == nil {
				_, _ = c.Write(b[:n])
			}
		})
		path, release := heldFile(t, "held", "late")
		p := startProxy(t, flags, target, "-stats", "-lock", "shared", path)
		for range 3 {
			c := p.dial(t)
			echo(t, c, "ping")
			c.Close()
		}
		p.signal(t, syscall.SIGUSR1)
		p.says(t, "files        0,")
		release()
		p.signal(t, syscall.SIGHUP) // the same file once more
		p.says(t, fmt.Sprintf("SIGHUP from pid %d, uid %d", os.Getpid(), os.Getuid()))
		require.Eventually(t, func() bool {
			p.signal(t, syscall.SIGUSR1)
			return strings.Contains(p.stderr.String(), "files        2, 8 B")
		}, patience, patience/1000)
		assert.Zero(t, p.stop(t, syscall.SIGTERM))
		assert.Contains(t, p.stderr.String(), fmt.Sprintf("SIGTERM from pid %d, uid %d", os.Getpid(), os.Getuid()))
	})
}

// A lock that is waited for does not keep the program from ending.
func TestInterruptedLock(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		path, _ := heldFile(t, "held", "x")
		c := command(flags, "-lock", "exclusive", path)
		require.NoError(t, c.Start())
		// It has the signal watch in place when it has opened the file.
		require.Eventually(t, func() bool {
			fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", c.Process.Pid))
			for _, fd := range fds {
				if name, _ := os.Readlink(fd); name == path {
					return true
				}
			}
			return false
		}, patience, patience/1000)
		require.NoError(t, c.Process.Signal(syscall.SIGTERM))
		_ = c.Wait()
		assert.Equal(t, 128+int(syscall.SIGTERM), c.ProcessState.ExitCode())
	})
}
