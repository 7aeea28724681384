package signals_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

func TestWatch(t *testing.T) {
	r := newRing(t)
	id := submit(t, r, signals.Watch(syscall.SIGTERM, syscall.SIGUSR1).WithTag("stop").WithPriority(ops.High))
	for range 3 {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
			require.NoError(t, syscall.Kill(self, sig))
			c := next(t, r)
			require.NoError(t, c.Err())
			assert.True(t, c.More)
			assert.Equal(t, "stop", c.Tag)
			assert.Equal(t, ops.High, c.Priority)
			assert.Equal(t, sig, signals.Of(&c).Signo)
		}
	}
	quiet(t, r)
	end(t, r, id)
}

// kill(1) is another process, in no way related.
func TestSenderIsNamed(t *testing.T) {
	needNative(t)
	r := newRing(t)
	submit(t, r, signals.Watch(syscall.SIGUSR2))
	cmd := exec.Command("/bin/kill", "-USR2", strconv.Itoa(self))
	require.NoError(t, cmd.Run())
	info := nextSignal(t, r)
	assert.Equal(t, &signals.Info{Signo: syscall.SIGUSR2, Pid: int32(cmd.Process.Pid), UID: uint32(os.Getuid())}, info)
}

func TestTwoRingsGetTheSameSignal(t *testing.T) {
	a := newRing(t)
	b, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer b.Close()
	submit(t, a, signals.Watch(syscall.SIGTERM))
	submit(t, b, signals.Watch(syscall.SIGTERM))
	first := submit(t, b, signals.Once(syscall.SIGTERM, syscall.SIGHUP))
	require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	assert.Equal(t, syscall.SIGTERM, nextSignal(t, a).Signo)
	assert.Equal(t, syscall.SIGTERM, nextSignal(t, b).Signo)
	assert.Equal(t, syscall.SIGTERM, nextSignal(t, b).Signo)
	assert.ErrorIs(t, b.Cancel(first), ops.ErrNotFound, "a one-shot goes on")
	require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	assert.Equal(t, syscall.SIGTERM, nextSignal(t, a).Signo)
	assert.Equal(t, syscall.SIGTERM, nextSignal(t, b).Signo)
	quiet(t, b)
}

// trap 34: a signal for one thread reaches the watch, whichever thread that is.
func TestThreadDirectedSignals(t *testing.T) {
	needNative(t)
	r := newRing(t)
	submit(t, r, signals.Watch(syscall.SIGUSR1, signals.RTMin+4))
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	_, err = r.Do(context.Background(), ops.Fsync(int(f.Fd())))
	require.NoError(t, err) // for it io_uring has a thread of its own
	require.NoError(t, f.Close())
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if unix.Tgkill(self, tid, 0) != nil || blocks(t, tid, syscall.SIGUSR1) && !isHub(t, tid) {
			continue // it has ended, or belongs to os/signal
		}
		if name, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", tid)); bytes.HasPrefix(name, []byte("iou-")) {
			continue // the kernel's own, which blocks everything and takes nothing
		}
		_, err := r.Do(context.Background(), signals.KillThread(self, tid, syscall.SIGUSR1))
		require.NoError(t, err)
		info := nextSignal(t, r)
		assert.Equal(t, &signals.Info{Signo: syscall.SIGUSR1, Code: signals.ByThread, Pid: int32(self),
			UID: uint32(os.Getuid())}, info)
		_, err = r.Do(context.Background(), signals.QueueThread(self, tid, signals.RTMin+4, 1<<40|7))
		require.NoError(t, err)
		info = nextSignal(t, r)
		assert.Equal(t, signals.RTMin+4, info.Signo)
		assert.Equal(t, uint64(1<<40|7), info.Value)
		assert.Equal(t, 7, info.Int())
	}
}

func TestRefusedSignals(t *testing.T) {
	r := newRing(t)
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGSEGV, syscall.SIGBUS,
		syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGURG, syscall.SIGPROF, 32, 33, 62, 0, -1, 65} {
		_, err := r.Submit(signals.Watch(syscall.SIGHUP, sig))
		assert.ErrorIs(t, err, ops.ErrInvalid, "%v", sig)
		_, err = signals.Hold(sig)
		assert.ErrorIs(t, err, ops.ErrInvalid, "%v", sig)
	}
	_, err := r.Submit(signals.Watch())
	assert.ErrorIs(t, err, ops.ErrInvalid)
	_, err = r.Submit(signals.Watch(syscall.SIGSEGV))
	assert.ErrorContains(t, err, "SIGSEGV cannot be watched: it reports a fault of the program itself")
	_, err = r.Submit(signals.Once(62))
	assert.ErrorContains(t, err, "SIGRTMIN+28 cannot be watched: calls and locks that block are interrupted with it")
	err = r.SubmitAll(ops.Chain(signals.Once(syscall.SIGHUP), ops.Nop()), nil)
	assert.ErrorIs(t, err, ops.ErrInvalid)
}

func TestEverySignalThatIsNotRefused(t *testing.T) {
	r := newRing(t)
	for sig := syscall.Signal(1); sig <= signals.RTMax; sig++ {
		req := signals.Watch(sig)
		if req.Validate() != nil {
			continue
		}
		id := submit(t, r, req)
		if c := (&[1]ops.Completion{}); !native {
			if n, _ := r.Wait(c[:], 0, 0); n != 0 {
				require.ErrorIs(t, c[0].Err(), syscall.EOPNOTSUPP)
				continue
			}
		}
		require.NoError(t, syscall.Kill(self, sig))
		assert.Equal(t, sig, nextSignal(t, r).Signo)
		end(t, r, id)
	}
}

// os/signal gets nothing while a watch is open, and everything before and after.
func TestOSSignalWorksAgain(t *testing.T) {
	needNative(t)
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGUSR1, signals.RTMin+3)
	defer signal.Stop(got)
	r := newRing(t)
	for range 20 {
		for _, sig := range []syscall.Signal{syscall.SIGUSR1, signals.RTMin + 3} {
			a := submit(t, r, signals.Watch(sig))
			b := submit(t, r, signals.Watch(sig, syscall.SIGHUP))
			require.NoError(t, syscall.Kill(self, sig))
			nextSignal(t, r)
			nextSignal(t, r)
			end(t, r, a)
			require.NoError(t, syscall.Kill(self, sig))
			nextSignal(t, r)
			assert.Empty(t, got)
			end(t, r, b)
			require.NoError(t, syscall.Kill(self, sig))
			assert.Equal(t, os.Signal(sig), <-got)
			quiet(t, r)
		}
	}
}

// Close alone, with watches open on several Rings, gives signals back as well.
func TestOSSignalWorksAgainAfterClose(t *testing.T) {
	needNative(t)
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	for range 20 {
		var rings []*ring.Ring
		for i := range 3 {
			r, err := ring.New(ring.Config{Pinned: i == 1})
			require.NoError(t, err)
			rings = append(rings, r)
			submit(t, r, signals.Watch(syscall.SIGUSR1))
		}
		for i, r := range rings {
			require.NoError(t, syscall.Kill(self, syscall.SIGUSR1))
			for _, open := range rings[i:] {
				assert.Equal(t, syscall.SIGUSR1, nextSignal(t, open).Signo)
			}
			assert.Empty(t, got)
			require.NoError(t, r.Close())
		}
		require.NoError(t, syscall.Kill(self, syscall.SIGUSR1))
		assert.Equal(t, os.Signal(syscall.SIGUSR1), <-got)
	}
}

func TestPassOn(t *testing.T) {
	needNative(t)
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGTERM)
	defer signal.Stop(got)
	r := newRing(t)
	id := submit(t, r, signals.PassOn(signals.Watch(syscall.SIGTERM)))
	other := submit(t, r, signals.Watch(syscall.SIGTERM))
	for range 100 {
		require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
		nextSignal(t, r)
		nextSignal(t, r)
		assert.Equal(t, os.Signal(syscall.SIGTERM), <-got)
	}
	end(t, r, id)
	require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	nextSignal(t, r)
	assert.Empty(t, got)
	end(t, r, other)
	require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	assert.Equal(t, os.Signal(syscall.SIGTERM), <-got)
}

// What was sent before Cancel, or Close, is delivered ahead of the end.
func TestSignalsBeforeCancelAreDelivered(t *testing.T) {
	needNative(t)
	r := newRing(t)
	const n = 50
	id := submit(t, r, signals.Watch(signals.RTMin+1))
	for range n {
		require.NoError(t, syscall.Kill(self, signals.RTMin+1))
	}
	require.NoError(t, r.Cancel(id))
	for range n {
		assert.Equal(t, signals.RTMin+1, nextSignal(t, r).Signo)
	}
	c := next(t, r)
	assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
}

func TestCloseEndsWatches(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	for range 10 {
		submit(t, r, signals.Watch(syscall.SIGHUP))
	}
	require.NoError(t, r.Close())
	for range 10 {
		c := next(t, r)
		assert.ErrorIs(t, c.Err(), ops.ErrClosed)
	}
}

// A signal that comes while watches open and close is never lost: it reaches a
// watch, or os/signal. os/signal merges, so they come one at a time.
func TestNothingIsLostBetweenWatches(t *testing.T) {
	needNative(t)
	const sig = signals.RTMin + 2
	old := make(chan os.Signal, 1)
	signal.Notify(old, sig)
	defer signal.Stop(old)
	r := newRing(t)
	stop := make(chan struct{})
	seen := make(chan struct{}, 1000)
	var churn sync.WaitGroup
	churn.Add(1)
	go func() {
		defer churn.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			for range openAndClose(t, r, i, sig) {
				seen <- struct{}{}
			}
		}
	}()
	watched := 0
	for range 1000 {
		require.NoError(t, syscall.Kill(self, sig))
		select {
		case <-old:
		case <-seen:
			watched++
		case <-time.After(5 * time.Second):
			t.Fatal("lost")
		}
	}
	close(stop)
	churn.Wait()
	assert.Empty(t, old)
	assert.Empty(t, seen)
	t.Logf("%d by watches, the others by os/signal", watched)
}

// openAndClose has a watch open for a moment and counts what it sees.
func openAndClose(t *testing.T, r *ring.Ring, i int, sig syscall.Signal) (seen int) {
	req := signals.Watch(sig)
	if i%2 == 0 {
		req = signals.Once(sig)
	}
	id, err := r.Submit(req)
	assert.NoError(t, err)
	time.Sleep(time.Duration(i%5) * 100 * time.Microsecond)
	_ = r.Cancel(id) // ErrNotFound if a one-shot has had its signal
	dst := make([]ops.Completion, 64)
	for {
		n, err := r.Wait(dst, 1, 10*time.Second)
		assert.NoError(t, err)
		for i := range dst[:n] {
			if signals.Of(&dst[i]) != nil {
				seen++
			}
		}
		if err != nil || !dst[n-1].More {
			return seen
		}
	}
}

func TestHoldKeepsSignals(t *testing.T) {
	needNative(t)
	r := newRing(t)
	ctx := context.Background()
	const sig = signals.RTMin + 2
	release, err := signals.Hold(sig, syscall.SIGTERM)
	require.NoError(t, err)
	defer release()
	_, err = signals.Wait(ctx, r, 0, sig, syscall.SIGTERM)
	assert.ErrorIs(t, err, ops.ErrTimeout)
	for i := range 100 {
		queue(t, r, signals.Queue(self, sig, uint64(i)))
		require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	}
	quiet(t, r)
	info, err := signals.Wait(ctx, r, 0, syscall.SIGTERM)
	require.NoError(t, err)
	assert.Equal(t, syscall.SIGTERM, info.Signo)
	_, err = signals.Wait(ctx, r, 0, syscall.SIGTERM)
	assert.ErrorIs(t, err, ops.ErrTimeout, "held standard signals merge")
	values := map[uint64]bool{}
	for range 100 {
		info, err := signals.Wait(ctx, r, time.Second, sig)
		require.NoError(t, err)
		values[info.Value] = true
	}
	assert.Len(t, values, 100)
	_, err = signals.Wait(ctx, r, time.Millisecond, sig)
	assert.ErrorIs(t, err, ops.ErrTimeout)
}

// What is held at the end goes to whoever had the signal before.
func TestReleaseGivesBack(t *testing.T) {
	needNative(t)
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGTERM)
	defer signal.Stop(got)
	release, err := signals.Hold(syscall.SIGTERM)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(self, syscall.SIGTERM))
	time.Sleep(10 * time.Millisecond)
	assert.Empty(t, got)
	release()
	release()
	assert.Equal(t, os.Signal(syscall.SIGTERM), <-got)
}

func TestWaitEnds(t *testing.T) {
	r := newRing(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	_, err := signals.Wait(ctx, r, -1, syscall.SIGHUP)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = signals.Wait(context.Background(), r, 5*time.Millisecond, syscall.SIGHUP)
	assert.ErrorIs(t, err, ops.ErrTimeout)
	assert.ErrorContains(t, err, "SIGHUP")
}
