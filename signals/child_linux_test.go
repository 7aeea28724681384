package signals_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/signals"
)

// fork starts a shell that nobody but the test waits for.
func fork(t testing.TB, script string) int {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	require.NoError(t, err)
	return pid
}

func zombie(pid int) bool {
	var info unix.Siginfo
	return unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == nil
}

func TestChild(t *testing.T) {
	r := newRing(t)
	for script, want := range map[string]signals.Exit{
		"exit 0":               {Exited: true},
		"exit 7":               {Exited: true, Status: 7},
		"kill -KILL $$":        {Signal: syscall.SIGKILL},
		"sleep 0.02; exit 255": {Exited: true, Status: 255},
	} {
		for _, early := range []bool{false, true} {
			pid := fork(t, script)
			if early {
				time.Sleep(40 * time.Millisecond) // it ends before the watch is placed
			}
			c, err := r.Do(context.Background(), signals.Child(pid, 0))
			require.NoError(t, err, script)
			exit := *signals.ExitOf(&c)
			assert.Positive(t, exit.Usage.MaxRSS)
			want.Pid, want.UID, exit.Usage = pid, uint32(os.Getuid()), signals.Exit{}.Usage
			assert.Equal(t, want, exit, script)
			assert.Equal(t, script == "exit 0", exit.Success())
			assert.False(t, zombie(pid))
			_, err = r.Do(context.Background(), signals.Child(pid, 0))
			assert.ErrorIs(t, err, syscall.ESRCH)
		}
	}
}

func TestChildCoreFlag(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-c", "ulimit -c unlimited; kill -ABRT $$")
	cmd.Dir = dir
	require.NoError(t, cmd.Start())
	r := newRing(t)
	c, err := r.Do(context.Background(), signals.ChildOf(cmd.Process))
	require.NoError(t, err)
	_ = cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	exit := signals.ExitOf(&c)
	assert.Equal(t, syscall.SIGABRT, exit.Signal)
	assert.Equal(t, status.CoreDump(), exit.Core)
	assert.Equal(t, cmd.ProcessState.String(), exit.String())
}

// trap 25: a child whose watch was cancelled, or timed out, keeps its status.
func TestCancelKeepsStatus(t *testing.T) {
	r := newRing(t)
	for i := range 50 {
		pid := fork(t, "exit 9")
		c, err := r.Do(context.Background(), signals.Child(pid, 0).WithTimeout(time.Duration(i)*50*time.Microsecond+1))
		if err == nil {
			assert.Equal(t, 9, signals.ExitOf(&c).Status)
			continue
		}
		require.ErrorIs(t, err, ops.ErrTimeout)
		assert.Nil(t, signals.ExitOf(&c))
		c, err = r.Do(context.Background(), signals.Child(pid, 0))
		require.NoError(t, err)
		assert.Equal(t, 9, signals.ExitOf(&c).Status)
	}
}

// trap 35: the children of os/exec are watched, and os/exec still gets them.
func TestExecKeepsItsChildren(t *testing.T) {
	r := newRing(t)
	other := fork(t, "sleep 0.05; exit 4")
	submit(t, r, signals.Child(other, 0))
	var all sync.WaitGroup
	for i := range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			cmd := exec.Command("/bin/sh", "-c", "exit 5")
			assert.NoError(t, cmd.Start())
			if i%2 == 0 {
				c, err := r.Do(context.Background(), signals.ChildOf(cmd.Process))
				assert.NoError(t, err)
				assert.Equal(t, 5, signals.ExitOf(&c).Status)
			}
			assert.EqualError(t, cmd.Wait(), "exit status 5")
		}()
	}
	all.Wait()
	c := next(t, r)
	require.NoError(t, c.Err())
	assert.Equal(t, 4, signals.ExitOf(&c).Status)
}

// os/exec may be faster than the watch; the kernel still knows (from 6.15).
func TestExecWaitsFirst(t *testing.T) {
	r := newRing(t)
	for range 20 {
		cmd := exec.Command("/bin/sh", "-c", "exit 5")
		require.NoError(t, cmd.Start())
		submit(t, r, signals.ChildOf(cmd.Process).WithTag(1))
		assert.EqualError(t, cmd.Wait(), "exit status 5")
		c := next(t, r)
		if c.Err() != nil {
			require.ErrorIs(t, c.Err(), syscall.ECHILD)
			continue
		}
		assert.Equal(t, 5, signals.ExitOf(&c).Status)
		_, err := r.Do(context.Background(), signals.ChildOf(cmd.Process))
		assert.Error(t, err)
	}
}

func TestChildByPidfd(t *testing.T) {
	r := newRing(t)
	pid := fork(t, "exec sleep 10")
	fd, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	leave := submit(t, r, signals.ChildFD(fd, signals.Leave).WithPriority(ops.High))
	both := submit(t, r, signals.ChildFD(fd, signals.Leave))
	_, err = r.Do(context.Background(), signals.KillFD(fd, syscall.SIGTERM))
	require.NoError(t, err)
	for range 2 {
		c := next(t, r)
		require.NoError(t, c.Err())
		assert.Contains(t, []ops.ID{leave, both}, c.ID)
		assert.Equal(t, syscall.SIGTERM, signals.ExitOf(&c).Signal)
	}
	assert.True(t, zombie(pid))
	c, err := r.Do(context.Background(), signals.ChildFD(fd, 0))
	require.NoError(t, err)
	assert.Equal(t, "signal: terminated", signals.ExitOf(&c).String())
	_, err = r.Do(context.Background(), signals.KillFD(fd, syscall.SIGTERM))
	assert.ErrorIs(t, err, syscall.ESRCH, "safe from another process with the same pid")
	require.NoError(t, unix.Close(fd))
}

func TestChildErrors(t *testing.T) {
	r := newRing(t)
	for _, req := range []ops.Request{signals.Child(0, 0), signals.Child(-1, 0), signals.ChildFD(-1, 0),
		signals.ChildOf(nil), signals.Child(5, unix.WSTOPPED)} {
		_, err := r.Submit(req)
		assert.ErrorIs(t, err, ops.ErrInvalid)
	}
	_, err := r.Do(context.Background(), signals.Child(1<<30, 0))
	assert.ErrorIs(t, err, syscall.ESRCH)
	assert.ErrorContains(t, err, "wait for child pid 1073741824: no such process")
	_, err = r.Do(context.Background(), signals.ChildFD(0, 0))
	assert.Error(t, err, "no pidfd")
	_, err = r.Do(context.Background(), signals.Kill(1<<30, 0))
	assert.ErrorIs(t, err, syscall.ESRCH)
}

// trap 32: what a child starts with, from /proc, while everything is watched.
func TestChildrenStartClean(t *testing.T) {
	r := newRing(t)
	var sigs []syscall.Signal
	for sig := syscall.Signal(1); sig <= signals.RTMax; sig++ {
		if req := signals.Watch(sig); req.Validate() == nil {
			sigs = append(sigs, sig)
		}
	}
	before := masks(t, "/proc/thread-self/status")
	submit(t, r, signals.Watch(sigs...))
	for i := range 20 {
		cmd := exec.Command("/bin/cat", "/proc/self/status")
		path := t.TempDir() + "/status"
		out, err := os.Create(path)
		require.NoError(t, err)
		cmd.Stdout = out
		if i%2 == 0 {
			require.NoError(t, cmd.Run())
		} else {
			p, err := signals.Start(cmd, signals.Stdin)
			require.NoError(t, err)
			require.NoError(t, p.Close())
		}
		require.NoError(t, out.Close())
		sets := masks(t, path)
		assert.Equal(t, before["SigBlk"], sets["SigBlk"])
		assert.Zero(t, sets["SigBlk"])
		assert.Zero(t, sets["SigIgn"])
		assert.Zero(t, sets["SigCgt"])
		assert.Zero(t, sets["SigPnd"])
	}
}

func TestStart(t *testing.T) {
	r := newRing(t)
	runtime.LockOSThread() // Start must not care
	defer runtime.UnlockOSThread()
	p, err := signals.Start(exec.Command("/bin/sh", "-c", "cat; echo bad >&2; exit 3"),
		signals.Stdin|signals.Stdout|signals.Stderr)
	require.NoError(t, err)
	out, bad := make([]byte, 100), make([]byte, 100)
	submit(t, r, ops.Read(p.Stdout, out, ops.Current).WithTag("out"))
	submit(t, r, ops.Read(p.Stderr, bad, ops.Current).WithTag("bad"))
	submit(t, r, p.Exit().WithTag("exit"))
	_, err = r.Do(context.Background(), ops.Write(p.Stdin, []byte("hello"), ops.Current))
	require.NoError(t, err)
	_, err = r.Do(context.Background(), ops.Close(p.Stdin))
	require.NoError(t, err)
	p.Stdin = -1
	for range 3 {
		switch c := next(t, r); c.Tag {
		case "out":
			assert.Equal(t, "hello", string(c.Bytes()))
		case "bad":
			assert.Equal(t, "bad\n", string(c.Bytes()))
		default:
			assert.Equal(t, "exit status 3", signals.ExitOf(&c).String())
		}
	}
	require.NoError(t, p.Close())
	assert.Equal(t, 3, p.Cmd.ProcessState.ExitCode())
	assert.Error(t, p.Signal(syscall.SIGTERM))
}

func TestStartFails(t *testing.T) {
	before := resources()
	_, err := signals.Start(exec.Command("/nowhere"), signals.Stdout|signals.Stdin)
	assert.ErrorIs(t, err, os.ErrNotExist)
	cmd := exec.Command("/bin/true")
	cmd.Stdout = os.Stdout
	_, err = signals.Start(cmd, signals.Stdin|signals.Stdout)
	assert.ErrorIs(t, err, ops.ErrInvalid)
	// What a test before this one had may be gone only now.
	assert.Eventually(t, func() bool { return resources()[0] <= before[0] }, 10*time.Second, time.Millisecond)
}

func TestSignalProcess(t *testing.T) {
	r := newRing(t)
	p, err := signals.Start(exec.Command("/bin/sleep", "10"), 0)
	require.NoError(t, err)
	submit(t, r, p.Exit())
	require.NoError(t, p.Signal(syscall.SIGTERM))
	c := next(t, r)
	assert.Equal(t, syscall.SIGTERM, signals.ExitOf(&c).Signal)
	require.NoError(t, p.Close())
}

// Many children, with one goroutine for all of them.
func TestManyChildren(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 30
	}
	r := newRing(t)
	pids := map[int]bool{}
	before := runtime.NumGoroutine()
	for range n {
		pid := fork(t, "read x; exit 1")
		pids[pid] = true
		submit(t, r, signals.Child(pid, 0))
	}
	// Those of the runtime and of earlier tests come and go.
	assert.Less(t, runtime.NumGoroutine(), before+n/2)
	for pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for range n {
		c := next(t, r)
		require.NoError(t, c.Err())
		delete(pids, signals.ExitOf(&c).Pid)
	}
	assert.Empty(t, pids)
}
