package signals_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/sigtest"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

const floodSignal = signals.RTMin + 9

func init() {
	helpers["flood"] = flood
	helpers["limited"] = limited
}

// flood queues args[1] signals to process args[0], with values from args[2] on,
// and waits where the kernel takes no more.
func flood(args []string) int {
	pid, _ := strconv.Atoi(args[0])
	n, _ := strconv.Atoi(args[1])
	for i := range n {
		for sigtest.QueueCode(pid, floodSignal, signals.ByQueue, uint64(i)) != nil {
			time.Sleep(100 * time.Microsecond)
		}
	}
	return 0
}

// churn starts and ends threads, collects garbage and grows stacks until stop.
func churn(stop *atomic.Bool) *sync.WaitGroup {
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for !stop.Load() {
				done := make(chan struct{})
				go func() {
					runtime.LockOSThread() // the thread ends with the goroutine
					defer close(done)
					deep(50)
				}()
				<-done
			}
		}()
	}
	all.Add(1)
	go func() {
		defer all.Done()
		for !stop.Load() {
			runtime.GC()
		}
	}()
	return &all
}

func deep(n int) (sum byte) {
	var space [512]byte
	if n > 0 {
		sum = deep(n - 1)
	}
	return sum + space[n]
}

// tally is what a receiver of a flood counts.
type tally struct {
	seen  map[uint64]bool
	twice int
	lost  uint64
}

// collect counts signals until there are n, or for too long nothing has come.
func (c *tally) collect(t testing.TB, r *ring.Ring, n int, check func(*signals.Info)) {
	c.seen = make(map[uint64]bool, n)
	dst := make([]ops.Completion, 256)
	for len(c.seen)+int(c.lost) < n {
		k, err := r.Wait(dst, 1, 10*time.Second)
		if err != nil {
			t.Errorf("%d seen, %d lost of %d: %v", len(c.seen), c.lost, n, err)
			return
		}
		for i := range dst[:k] {
			info := signals.Of(&dst[i])
			if errors.Is(dst[i].Err(), signals.ErrLost) {
				c.lost += info.Lost
				continue
			}
			check(info)
			if c.seen[info.Value] {
				c.twice++
			}
			c.seen[info.Value] = true
		}
	}
}

// trap 33: 100,000 real-time signals from another process arrive exactly once,
// with the sender and the value, while threads come and go; and what the kernel
// refuses to queue is counted.
func TestFlood(t *testing.T) {
	needNative(t)
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	r := newRing(t)
	submit(t, r, signals.Watch(floodSignal))
	var stop atomic.Bool
	churning := churn(&stop)
	cmd := helper(t, "flood", strconv.Itoa(self), strconv.Itoa(n))
	began := time.Now()
	require.NoError(t, cmd.Start())
	var c tally
	c.collect(t, r, n, func(info *signals.Info) {
		if info.Signo != floodSignal || info.Code != signals.ByQueue || info.Pid != sigtest.Pid ||
			info.UID != sigtest.UID || info.Errno != sigtest.Errno {
			t.Errorf("%+v", info)
		}
	})
	took := time.Since(began)
	stop.Store(true)
	churning.Wait()
	require.NoError(t, cmd.Wait())
	assert.Zero(t, c.twice)
	assert.Equal(t, n, len(c.seen)+int(c.lost))
	for v := range c.seen {
		require.Less(t, v, uint64(n))
	}
	quiet(t, r)
	t.Logf("%d signals in %v: %d seen, %d lost and counted", n, took, len(c.seen), c.lost)
}

// The same with a C program as the sender: pid and uid are what sigqueue gives.
func TestFloodFromC(t *testing.T) {
	needNative(t)
	const n = 5_000
	r := newRing(t)
	submit(t, r, signals.Watch(floodSignal))
	cmd := exec.Command(peer(t), "send", strconv.Itoa(self), strconv.Itoa(int(floodSignal)), strconv.Itoa(n))
	require.NoError(t, cmd.Start())
	pid := uint64(cmd.Process.Pid)
	var c tally
	c.collect(t, r, n, func(info *signals.Info) {
		if uint64(info.Pid) != pid || info.UID != uint32(os.Getuid()) || info.Value>>32 != pid {
			t.Errorf("%+v", info)
		}
	})
	require.NoError(t, cmd.Wait())
	assert.Zero(t, c.twice)
	assert.Equal(t, n, len(c.seen)+int(c.lost))
}

// RLIMIT_SIGPENDING is a user's, so it is lowered in a process of its own.
func TestLossesAreCounted(t *testing.T) {
	needNative(t)
	out, err := helper(t, "limited").CombinedOutput()
	assert.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

// limited floods itself while only a few signals can be pending, and while the
// hub does not get to read them.
func limited([]string) int {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer r.Close()
	if _, err = r.Submit(signals.Watch(floodSignal, syscall.SIGUSR1)); err != nil {
		fmt.Println(err)
		return 1
	}
	if code := loseAll(r); code != 0 {
		return code
	}
	// The limit is compared with what the user has pending anywhere, so there may
	// be room for none at all.
	limitPending(10)
	sent, refused := 0, 0
	var senders sync.WaitGroup
	var mu sync.Mutex
	for i := range 4 {
		senders.Add(1)
		go func() {
			defer senders.Done()
			for k := range 5000 {
				err := sigtest.QueueCode(self, floodSignal, signals.ByQueue, uint64(i)<<32|uint64(k))
				mu.Lock()
				if err == nil {
					sent++
				} else {
					refused++
				}
				mu.Unlock()
			}
		}()
	}
	senders.Wait()
	seen, lost := uint64(0), uint64(0)
	dst := make([]ops.Completion, 64)
	for seen+lost < uint64(sent) {
		n, err := r.Wait(dst, 1, 5*time.Second)
		if err != nil {
			fmt.Printf("sent %d, refused %d, seen %d, lost %d: %v\n", sent, refused, seen, lost, err)
			return 1
		}
		for i := range dst[:n] {
			if info := signals.Of(&dst[i]); dst[i].Err() != nil {
				lost += info.Lost
			} else {
				seen++
			}
		}
	}
	fmt.Printf("sent %d, refused to the sender %d, seen %d, lost and counted %d\n", sent, refused, seen, lost)
	if seen+lost != uint64(sent) {
		return 1
	}
	return standardUnderLimit(r)
}

func limitPending(n uint64) {
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_SIGPENDING, &limit)
	limit.Cur = min(n, limit.Max)
	_ = unix.Setrlimit(unix.RLIMIT_SIGPENDING, &limit)
}

// loseAll has signals wait at a thread, and lets them go when nothing can be
// queued any more.
func loseAll(r *ring.Ring) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const n = 10
	var set, old unix.Sigset_t
	width := int(8 * reflect.TypeOf(set.Val[0]).Size())
	set.Val[(floodSignal-1)/syscall.Signal(width)] = 1 << (int(floodSignal-1) % width)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old)
	for i := range n {
		if _, err := r.Do(context.Background(), signals.QueueThread(self, unix.Gettid(), floodSignal, uint64(i))); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	limitPending(0)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	dst := make([]ops.Completion, n)
	for lost := uint64(0); lost < n; {
		k, err := r.Wait(dst, 1, 5*time.Second)
		if err != nil {
			fmt.Println("of 10 that must be lost", lost, "are:", err)
			return 1
		}
		for i := range dst[:k] {
			if !errors.Is(dst[i].Err(), signals.ErrLost) || !dst[i].More {
				fmt.Printf("unexpected: %+v\n", dst[i])
				return 1
			}
			lost += signals.Of(&dst[i]).Lost
		}
	}
	return 0
}

// standardUnderLimit: a standard signal comes through whatever is pending.
func standardUnderLimit(r *ring.Ring) int {
	dst := make([]ops.Completion, 1)
	for i := range 100 {
		_ = syscall.Kill(self, syscall.SIGUSR1)
		if _, err := r.Wait(dst, 1, 5*time.Second); err != nil || signals.Of(&dst[0]).Signo != syscall.SIGUSR1 {
			fmt.Printf("standard signal %d: %v %v\n", i, dst[0], err)
			return 1
		}
	}
	return 0
}

// BenchmarkSignal sends a signal to this process and waits for its completion.
func BenchmarkSignal(b *testing.B) {
	needNative(b)
	for name, sig := range map[string]syscall.Signal{"standard": syscall.SIGUSR1, "realtime": floodSignal} {
		b.Run(name, func(b *testing.B) {
			r := newRing(b)
			submit(b, r, signals.Watch(sig))
			b.ReportAllocs()
			dst := make([]ops.Completion, 1)
			for b.Loop() {
				if err := syscall.Kill(self, sig); err != nil {
					b.Fatal(err)
				}
				if _, err := r.Wait(dst, 1, ring.Forever); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("os/signal", func(b *testing.B) {
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGUSR2)
		defer signal.Stop(got)
		for b.Loop() {
			if err := syscall.Kill(self, syscall.SIGUSR2); err != nil {
				b.Fatal(err)
			}
			<-got
		}
	})
}

// BenchmarkFlood has another process queue signals as fast as it can.
func BenchmarkFlood(b *testing.B) {
	needNative(b)
	r := newRing(b)
	submit(b, r, signals.Watch(floodSignal))
	const n = 20_000
	for b.Loop() {
		cmd := helper(b, "flood", strconv.Itoa(self), strconv.Itoa(n))
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		var c tally
		c.collect(b, r, n, func(*signals.Info) {})
		_ = cmd.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/signal")
}
