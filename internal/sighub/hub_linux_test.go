package sighub

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// sink is a Ring for these tests, which so run where io_uring does not.
type sink chan outside.Result

func (s sink) Deliver(_ uint64, r outside.Result) { s <- r }

func (s sink) next(t testing.TB) outside.Result {
	t.Helper()
	select {
	case r := <-s:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func (s sink) signal(t testing.TB) *ops.SignalInfo {
	t.Helper()
	r := s.next(t)
	require.Zero(t, r.Res)
	return r.Brought.(*ops.SignalInfo)
}

func open(t testing.TB, to sink, id uint64, mode ops.Mode, flags uint32, sigs ...syscall.Signal) {
	t.Helper()
	req := ops.Request{Code: ops.CodeSignal, Mode: mode, Flags: flags, Arg: ops.SignalsOf(sigs...)}
	require.NoError(t, req.Validate())
	_, done := Signals.Start(id, &req, to)
	require.False(t, done)
}

func end(t testing.TB, s sink, id uint64) {
	t.Helper()
	require.False(t, Signals.Cancel(id, s))
	assert.EqualValues(t, -int32(syscall.ECANCELED), s.next(t).Res)
}

func queue(t testing.TB, pid, tid int, sig syscall.Signal, value uint64) {
	t.Helper()
	k := ops.SignalSend{How: ops.SendValue, Pid: pid, Tid: tid, Sig: sig, Value: value}
	if tid != 0 {
		k.How = ops.SendThreadValue
	}
	require.Zero(t, send(&k))
}

func TestRelay(t *testing.T) {
	s := make(sink, 100)
	pid := os.Getpid()
	open(t, s, 1, ops.Multishot, 0, syscall.SIGTERM, 40)
	for i := range 50 {
		require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
		assert.Equal(t, syscall.SIGTERM, s.signal(t).Signo)
		queue(t, pid, 0, 40, uint64(i)<<33)
		info := s.signal(t)
		assert.EqualValues(t, 40, info.Signo)
		if Native {
			assert.EqualValues(t, siQueue, info.Code)
			assert.Equal(t, uint64(i)<<33, info.Value)
			assert.EqualValues(t, pid, info.Pid)
		}
	}
	end(t, s, 1)
}

// A signal for this very thread goes through the handler for certain.
func TestHandler(t *testing.T) {
	if !Native {
		t.Skip("no handler")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := make(sink, 100)
	pid, tid := os.Getpid(), unix.Gettid()
	open(t, s, 1, ops.Multishot, 0, syscall.SIGUSR1, 41)
	for i := range 50 {
		require.NoError(t, unix.Tgkill(pid, tid, syscall.SIGUSR1))
		info := s.signal(t)
		assert.Equal(t, syscall.SIGUSR1, info.Signo)
		assert.EqualValues(t, siTkill, info.Code)
		assert.EqualValues(t, pid, info.Pid)
		queue(t, pid, tid, 41, uint64(i))
		info = s.signal(t)
		assert.EqualValues(t, 41, info.Signo)
		assert.EqualValues(t, siQueue, info.Code)
		assert.EqualValues(t, i, info.Value)
	}
	end(t, s, 1)
	assert.True(t, quiesce())
}

func TestHandlerPassesOn(t *testing.T) {
	if !Native {
		t.Skip("no handler")
	}
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	s := make(sink, 100)
	open(t, s, 1, ops.Multishot, ops.SignalPassOn, syscall.SIGUSR1)
	for range 50 {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
		assert.Equal(t, syscall.SIGUSR1, s.signal(t).Signo)
		assert.Equal(t, os.Signal(syscall.SIGUSR1), <-got)
	}
	end(t, s, 1)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	assert.Equal(t, os.Signal(syscall.SIGUSR1), <-got)
}

// What was held before somebody wants it passed on is found all the same.
func TestHeldThenPassedOn(t *testing.T) {
	if !Native {
		t.Skip("no handler")
	}
	release, err := Signals.Hold(ops.SignalsOf(syscall.SIGUSR2, 42))
	require.NoError(t, err)
	defer release()
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2))
	queue(t, os.Getpid(), 0, 42, 5)
	for end := time.Now().Add(10 * time.Second); isSweeping() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(5 * time.Millisecond) // nothing wakes the hub by chance any more
	s := make(sink, 100)
	open(t, s, 1, ops.Multishot, ops.SignalPassOn, syscall.SIGUSR2, 42)
	sum := s.signal(t).Signo + s.signal(t).Signo
	assert.Equal(t, syscall.SIGUSR2+42, sum)
	end(t, s, 1)
}

// The window between fork and exec, in which a child has our handlers and our
// memory, is too short to hit; a handler that believes to be in another process
// takes the same path.
func TestHandlerInAnotherProcess(t *testing.T) {
	if !Native {
		t.Skip("no handler")
	}
	if os.Getenv("SLUICE_FORKED") != "" {
		pretendForked()
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHandlerInAnotherProcess$")
	cmd.Env = append(os.Environ(), "SLUICE_FORKED=1")
	err := cmd.Run()
	var status *exec.ExitError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, syscall.SIGUSR1, status.Sys().(syscall.WaitStatus).Signal(), "the default action")
}

// The goroutine, its thread and its descriptors go when nobody needs them.
func TestHubEnds(t *testing.T) {
	count := func() int {
		entries, _ := os.ReadDir("/proc/self/fd")
		return len(entries)
	}
	for deadline := time.Now().Add(5 * time.Second); isRunning() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	before := count()
	for range 3 {
		s := make(sink, 1)
		open(t, s, 1, 0, 0, syscall.SIGHUP)
		end(t, s, 1)
		for deadline := time.Now().Add(5 * time.Second); isRunning() && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	time.Sleep(10 * time.Millisecond)
	assert.Equal(t, before, count())
}

func isSweeping() bool {
	Signals.mu.Lock()
	defer Signals.mu.Unlock()
	return !Signals.sweepAt.IsZero()
}

func isRunning() bool {
	Signals.mu.Lock()
	defer Signals.mu.Unlock()
	return Signals.running
}

func TestLayouts(t *testing.T) {
	for name, c := range map[string]struct {
		sig  syscall.Signal
		code int32
		want layout
	}{
		"kill":       {unix.SIGTERM, siUser, layoutKill},
		"kernel":     {unix.SIGINT, siKernel, layoutKill},
		"sigqueue":   {unix.SIGTERM, siQueue, layoutQueue},
		"tgkill":     {unix.SIGTERM, siTkill, layoutQueue},
		"own code":   {40, -1000, layoutQueue},
		"timer":      {40, siTimer, layoutTimer},
		"child":      {unix.SIGCHLD, 1, layoutChild},
		"child last": {unix.SIGCHLD, cldLast, layoutChild},
		"SIGIO":      {unix.SIGIO, 1, layoutPoll},
		"F_SETSIG":   {40, pollLast, layoutPoll},
		"queued IO":  {40, siSigio, layoutPoll},
		"other":      {40, 50, layoutKill},
	} {
		assert.Equal(t, c.want, layoutOf(c.sig, c.code), name)
	}
}
