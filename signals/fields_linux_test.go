package signals_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/sigtest"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// fields turns what the C program prints into an Info. It fails for fields that
// Info does not have, so that none goes unnoticed.
func fields(t *testing.T, line []byte) *signals.Info {
	t.Helper()
	info := &signals.Info{}
	lines := json.NewDecoder(strings.NewReader(string(line)))
	lines.DisallowUnknownFields()
	require.NoError(t, lines.Decode(info), "%s", line)
	return info
}

// Each case is a way in which a process gets a signal from itself or the kernel:
// done by the C program, which takes it with sigwaitinfo, and here.
func TestFieldsEqualSigwaitinfo(t *testing.T) {
	needNative(t)
	cases := map[string]struct {
		sig syscall.Signal
		do  func(t *testing.T) (cleanup func())
	}{
		"timer":   {signals.RTMin + 5, func(t *testing.T) func() { return startTimer(t, signals.RTMin+5, 0) }},
		"setsig":  {signals.RTMin + 6, func(t *testing.T) func() { return asyncPipe(t, signals.RTMin+6) }},
		"sigio":   {syscall.SIGIO, func(t *testing.T) func() { return asyncPipe(t, 0) }},
		"exit":    {syscall.SIGCHLD, func(t *testing.T) func() { return shell(t, "exit 7") }},
		"killed":  {syscall.SIGCHLD, func(t *testing.T) func() { return shell(t, "kill -KILL $$") }},
		"stopped": {syscall.SIGCHLD, func(t *testing.T) func() { return shell(t, "kill -STOP $$") }},
		"alarm":   {syscall.SIGALRM, func(t *testing.T) func() { return alarm(t) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			line, err := exec.Command(peer(t), "self", name).Output()
			require.NoError(t, err)
			want := fields(t, line)
			require.Equal(t, c.sig, want.Signo)

			settle(t)
			r := newRing(t)
			submit(t, r, signals.Watch(c.sig))
			cleanup := c.do(t)
			got := *nextSignal(t, r)
			cleanup()
			if want.Pid != 0 {
				assert.NotZero(t, got.Pid)
				got.Pid = want.Pid // of another child
			}
			got.Timer, want.Timer = 0, 0
			got.UserTime, got.SystemTime = 0, 0 // of a shell, and of a mere fork, either of which may take a moment
			want.UserTime, want.SystemTime = 0, 0
			assert.Equal(t, want, &got)
		})
	}
}

func startTimer(t *testing.T, sig syscall.Signal, interval time.Duration) func() {
	stop, err := sigtest.Timer(sig, interval)
	require.NoError(t, err)
	return stop
}

// asyncPipe makes descriptor 100 send a signal about input.
func asyncPipe(t *testing.T, sig syscall.Signal) func() {
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	require.NoError(t, unix.Dup3(fds[0], 100, unix.O_CLOEXEC))
	for _, c := range [][2]int{{unix.F_SETFL, unix.O_ASYNC | unix.O_NONBLOCK}, {unix.F_SETOWN, self},
		{unix.F_SETSIG, int(sig)}} {
		_, err := unix.FcntlInt(100, c[0], c[1])
		require.NoError(t, err)
	}
	_, err := unix.Write(fds[1], []byte("x"))
	require.NoError(t, err)
	return func() {
		for _, fd := range []int{100, fds[0], fds[1]} {
			_ = unix.Close(fd)
		}
	}
}

func shell(t *testing.T, script string) func() {
	cmd := exec.Command("/bin/sh", "-c", script)
	require.NoError(t, cmd.Start())
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func alarm(t *testing.T) func() {
	_, err := unix.Setitimer(unix.ItimerReal, unix.Itimerval{Value: unix.Timeval{Usec: 1000}})
	require.NoError(t, err)
	return func() {}
}

// The same senders, one after the other, send to the C program and to us.
func TestSendersLookTheSame(t *testing.T) {
	needNative(t)
	r := newRing(t)
	ctx := context.Background()
	const sig = signals.RTMin + 7
	submit(t, r, signals.Watch(sig, syscall.SIGTERM))
	for name, send := range map[string]func(pid, _ int) error{
		"kill": func(pid, _ int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"rt":   func(pid, _ int) error { return syscall.Kill(pid, sig) },
		"queue": func(pid, _ int) error {
			_, err := r.Do(ctx, signals.Queue(pid, sig, 1<<63|5))
			return err
		},
		"queue standard": func(pid, _ int) error {
			_, err := r.Do(ctx, signals.Queue(pid, syscall.SIGTERM, 77))
			return err
		},
		"tgkill": func(pid, tid int) error {
			_, err := r.Do(ctx, signals.KillThread(pid, tid, sig))
			return err
		},
		"queue thread": func(pid, tid int) error {
			_, err := r.Do(ctx, signals.QueueThread(pid, tid, sig, 99))
			return err
		},
		"pidfd":    func(pid, _ int) error { return byPidfd(r, pid, sig) },
		"own code": func(pid, _ int) error { return sigtest.QueueCode(pid, syscall.SIGTERM, -1000, 5) },
		"far code": func(pid, _ int) error { return sigtest.QueueCode(pid, syscall.SIGTERM, -1<<31, 6) },
		"reach":    func(pid, _ int) error { return sigtest.QueueCode(pid, sig, -1<<22, 7) },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(peer(t), "wait", "1")
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewReader(out)
			_, err = lines.ReadString('\n')
			require.NoError(t, err)
			require.NoError(t, send(cmd.Process.Pid, cmd.Process.Pid))
			line, err := io.ReadAll(lines)
			require.NoError(t, err)
			require.NoError(t, cmd.Wait())
			require.NoError(t, send(self, openThread(t, sig)))
			assert.Equal(t, fields(t, line), nextSignal(t, r))
		})
	}
}

func byPidfd(r *ring.Ring, pid int, sig syscall.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = r.Do(context.Background(), signals.QueueFD(fd, sig, 1234))
	return err
}

// A periodic timer's signal counts expirations: the sum of Overrun+1 is their
// number, for a standard signal too.
func TestTimerOverruns(t *testing.T) {
	needNative(t)
	r := newRing(t)
	for _, sig := range []syscall.Signal{syscall.SIGALRM, signals.RTMin + 8} {
		id := submit(t, r, signals.Watch(sig))
		began := time.Now()
		stop := startTimer(t, sig, 100*time.Microsecond)
		count := 0
		for count < 1000 {
			info := nextSignal(t, r)
			require.EqualValues(t, signals.ByTimer, info.Code)
			count += 1 + int(info.Overrun)
		}
		stop()
		took := time.Since(began)
		assert.Greater(t, took, 90*time.Millisecond, "more expirations than there can have been")
		assert.Less(t, took, 10*time.Second)
		require.NoError(t, r.Cancel(id))
		for next(t, r).More {
		}
	}
}

// Cpu times of a child come in siginfo's last fields.
func TestChildTimes(t *testing.T) {
	needNative(t)
	settle(t)
	r := newRing(t)
	submit(t, r, signals.Watch(syscall.SIGCHLD))
	defer shell(t, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3")()
	info := nextSignal(t, r)
	assert.EqualValues(t, 3, info.Status)
	assert.Positive(t, info.UserTime+info.SystemTime)
	assert.Contains(t, info.String(), "SIGCHLD from pid "+strconv.Itoa(int(info.Pid)))
}
