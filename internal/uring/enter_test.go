//go:build linux

package uring

import (
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
)

func execOutput(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	return string(out), err
}

// bothModes runs f on a shared ring, an owned one, and an owned one with its
// descriptor registered.
func bothModes(t *testing.T, o Options, f func(t *testing.T, r *Ring)) {
	t.Run("shared", func(t *testing.T) { f(t, newRing(t, o)) })
	t.Run("pinned", func(t *testing.T) { pinned(t, o, func(r *Ring) { f(t, r) }) })
	t.Run("registered", func(t *testing.T) {
		pinned(t, o, func(r *Ring) {
			needs(t, "5.18", r.RegisterRingFD())
			f(t, r)
		})
	})
}

// timer is a TIMEOUT entry that completes after d. Its argument stays where it is
// for the whole run.
func timer(d time.Duration, userData uint64) SQE {
	ts := &timespec{int64(d / time.Second), int64(d % time.Second)}
	kept = append(kept, ts)
	return SQE{Opcode: OpTimeout, FD: -1, Addr: uint64(uintptr(unsafe.Pointer(ts))), Len: 1, UserData: userData}
}

var kept []*timespec

func TestTimeoutIsNotEarly(t *testing.T) {
	bothModes(t, Options{Entries: 4}, func(t *testing.T, r *Ring) {
		for _, d := range []time.Duration{0, 1, time.Millisecond, 20 * time.Millisecond} {
			start := time.Now()
			_, err := r.Enter(0, 1, 0, d, 0)
			for err == ErrInterrupted {
				start = time.Now()
				_, err = r.Enter(0, 1, 0, d, 0)
			}
			assert.Equal(t, ErrTimeout, err)
			assert.ErrorIs(t, err, syscall.ETIME)
			assert.GreaterOrEqual(t, time.Since(start), d)
		}
	})
}

// trap 39
func TestLongTimeoutsDoNotOverflow(t *testing.T) {
	bothModes(t, Options{Entries: 4}, func(t *testing.T, r *Ring) {
		for _, d := range []time.Duration{math.MaxInt64, longest, longest - 1, -1, math.MinInt64} {
			push(t, r, timer(10*time.Millisecond, 1))
			submit(t, r, 0)
			start := time.Now()
			_, err := r.Enter(0, 1, 0, d, 0)
			for err == ErrInterrupted {
				_, err = r.Enter(0, 1, 0, d, 0)
			}
			require.NoError(t, err)
			assert.Less(t, time.Since(start), 5*time.Second)
			assert.EqualValues(t, 1, await(t, r).UserData)
		}
	})
}

func TestMinWait(t *testing.T) {
	bothModes(t, Options{Entries: 4}, func(t *testing.T, r *Ring) {
		if r.Features()&FeatMinTimeout == 0 {
			t.Skip("needs Linux 6.12")
		}
		// Something is there when the minimum has passed: that is enough.
		push(t, r, SQE{Opcode: OpNop, UserData: 1})
		submit(t, r, 0)
		// A signal, such as the runtime's own, may end the wait early, and is not
		// reported while the queue has an entry: see Enter.
		var took time.Duration
		for tries := 0; took < 60*time.Millisecond && tries < 1000; tries++ {
			start := time.Now()
			_, err := r.Enter(0, 3, 0, 10*time.Second, 60*time.Millisecond)
			require.NoError(t, err)
			took = time.Since(start)
		}
		assert.GreaterOrEqual(t, took, 60*time.Millisecond)
		assert.Less(t, took, 5*time.Second)
		assert.EqualValues(t, 1, await(t, r).UserData)

		// Nothing is there: the first one ends the wait, also without timeout.
		rd, wr := pipe(t)
		push(t, r, SQE{Opcode: OpPollAdd, FD: rd, OpFlags: unix.POLLIN, UserData: 2})
		submit(t, r, 0)
		time.AfterFunc(100*time.Millisecond, func() { _, _ = unix.Write(int(wr), []byte{1}) })
		_, err := r.Enter(0, 3, 0, -1, 10*time.Millisecond)
		if err != ErrInterrupted {
			require.NoError(t, err)
			assert.EqualValues(t, 1, r.CQ.Ready())
		}
		assert.EqualValues(t, 2, await(t, r).UserData)

		// The timeout wins over a longer minimum.
		start := time.Now()
		_, err = r.Enter(0, 1, 0, 10*time.Millisecond, time.Hour)
		if err != ErrInterrupted {
			assert.Equal(t, ErrTimeout, err)
		}
		assert.Less(t, time.Since(start), 5*time.Second)
	})
}

// trap 7: a signal is not a timeout.
func TestSignalInterruptsWait(t *testing.T) {
	got := make(chan os.Signal, 1024)
	signal.Notify(got, syscall.SIGUSR2)
	defer signal.Stop(got)
	for _, registered := range []bool{false, true} {
		pinned(t, Options{Entries: 4}, func(r *Ring) {
			if registered {
				needs(t, "5.18", r.RegisterRingFD())
			}
			stop := nag(unix.Gettid())
			start := time.Now()
			_, err := r.Enter(0, 1, 0, 20*time.Second, 0)
			close(stop)
			assert.Equal(t, ErrInterrupted, err)
			assert.ErrorIs(t, err, syscall.EINTR)
			assert.NotErrorIs(t, err, syscall.ETIME)
			assert.Less(t, time.Since(start), 10*time.Second)
		})
	}
	// os/signal has a goroutine of its own, which may be late.
	assert.Eventually(t, func() bool { return len(got) != 0 }, 10*time.Second, time.Millisecond)
}

// nag sends a signal to a thread again and again, since one may come just before
// the wait.
func nag(tid int) (stop chan struct{}) {
	stop = make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				_ = unix.Tgkill(os.Getpid(), tid, syscall.SIGUSR2)
			}
		}
	}()
	return stop
}

// A TIMEOUT request that fires ends every wait, however many it asked for.
func TestTimeoutRequestEndsWait(t *testing.T) {
	const wait = 10 * time.Second
	bothModes(t, Options{Entries: 4}, func(t *testing.T, r *Ring) {
		// One that rings before the wait has begun does not end it: the kernel counts
		// from there. Then a later one is tried.
		after, took := 50*time.Millisecond, wait
		for ; took >= wait && after < wait; after *= 20 {
			push(t, r, timer(after, 1))
			submit(t, r, 0)
			start := time.Now()
			_, err := r.Enter(0, 3, 0, wait, 0)
			took = time.Since(start)
			if err != ErrInterrupted {
				require.NoError(t, err)
				assert.EqualValues(t, 1, r.CQ.Ready())
			}
			require.EqualValues(t, 1, await(t, r).UserData)
		}
		assert.Less(t, took, wait)
	})
}

// With entries submitted the kernel reports their number and hides how the wait
// ended.
func TestSubmittedHidesTimeout(t *testing.T) {
	bothModes(t, Options{Entries: 4}, func(t *testing.T, r *Ring) {
		push(t, r, timer(time.Hour, 1))
		n, err := r.Enter(r.SQ.Publish(), 1, 0, time.Millisecond, 0)
		assert.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Zero(t, r.CQ.Ready())
	})
}

// trap 13
func TestOverflowLosesNothing(t *testing.T) {
	bothModes(t, Options{Entries: 4, CQEntries: 4}, func(t *testing.T, r *Ring) {
		const total = 40
		for i := range uint64(total) {
			push(t, r, SQE{Opcode: OpNop, UserData: i})
			_, err := r.Enter(r.SQ.Publish(), 0, 0, -1, 0)
			require.NoError(t, err)
		}
		require.True(t, r.SQ.Overflowed())
		require.True(t, r.SQ.NeedsFlush())
		for i := range uint64(total) {
			assert.Equal(t, i, await(t, r).UserData)
		}
		assert.False(t, r.SQ.Overflowed())
		assert.Zero(t, r.CQ.Overflow())
	})
}

// trap 2
func TestOnlyTheOwnerEnters(t *testing.T) {
	if !testkit.KernelHas("6.1") {
		t.Skip("needs Linux 6.1")
	}
	pinned(t, Options{Entries: 4}, func(r *Ring) {
		require.NoError(t, r.RegisterRingFD())
		push(t, r, SQE{Opcode: OpNop})
		n := r.SQ.Publish()
		onOwnThread(func() {
			_, err := r.EnterPlain(n, 0, 0)
			assert.ErrorIs(t, err, syscall.EEXIST)
			_, err = r.Probe()
			assert.ErrorIs(t, err, syscall.EEXIST)
			assert.ErrorIs(t, r.UnregisterRingFD(), ErrWrongThread)
		})
		submit(t, r, 1)
		_, err := r.Probe()
		assert.NoError(t, err)
	})
}

// trap 47
func TestRegisteredFDIsGivenBack(t *testing.T) {
	onOwnThread(func() {
		for range 40 { // more than the 16 places
			r, err := Setup(Options{Entries: 1, Pinned: true})
			require.NoError(t, err)
			defer func() { assert.NoError(t, r.Close()) }()
			needs(t, "5.18", r.RegisterRingFD())
			require.NoError(t, r.RegisterRingFD())
			require.EqualValues(t, EnterRegisteredRing, r.enterFlags)
			roundTripOne(t, r)
			require.NoError(t, r.UnregisterRingFD())
			roundTripOne(t, r)
			require.NoError(t, r.RegisterRingFD())
			require.NoError(t, r.Close())
		}
	})
}

func TestCloseFromAnotherThread(t *testing.T) {
	onOwnThread(func() {
		r, err := Setup(Options{Entries: 1, Pinned: true})
		require.NoError(t, err)
		defer func() { assert.NoError(t, r.Close()) }()
		needs(t, "5.18", r.RegisterRingFD())
		onOwnThread(func() { assert.ErrorIs(t, r.Close(), ErrWrongThread) })
		assert.Equal(t, -1, r.FD())
		assert.NoError(t, r.Close())
	})
}

func roundTripOne(t testing.TB, r *Ring) {
	t.Helper()
	push(t, r, SQE{Opcode: OpNop, UserData: 9})
	submit(t, r, 1)
	require.EqualValues(t, 9, await(t, r).UserData)
}

// Several threads submit through their own lock while one waits.
func TestSharedRingFromManyThreads(t *testing.T) {
	r := newRing(t, Options{Entries: 64})
	const each, threads = 50, 4
	lock := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	for range threads {
		wg.Add(1)
		go onOwnThread(func() {
			defer wg.Done()
			for range each {
				lock <- struct{}{}
				*r.SQ.Next() = SQE{Opcode: OpNop}
				_, err := r.EnterPlain(r.SQ.Publish(), 0, 0)
				assert.NoError(t, err)
				<-lock
				runtime.Gosched()
			}
		})
	}
	for range each * threads {
		await(t, r)
	}
}

func TestNoAllocations(t *testing.T) {
	bothModes(t, Options{Entries: 8}, func(t *testing.T, r *Ring) {
		allocs := testing.AllocsPerRun(200, func() {
			*r.SQ.Next() = SQE{Opcode: OpNop}
			_, _ = r.Enter(r.SQ.Publish(), 1, 0, time.Second, time.Microsecond)
			if r.CQ.Peek() != nil {
				r.CQ.Advance(r.CQ.Ready())
			}
			_, _ = r.Enter(0, 1, 0, 0, 0)  // ErrTimeout
			_, _ = r.Enter(0, 0, 64, 0, 0) // an errno
		})
		assert.Zero(t, allocs)
	})
}
