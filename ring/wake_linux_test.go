package ring_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestWakeEndsWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [4]ops.Completion
		for _, min := range []int{1, 4} {
			join := during(t, func() {
				time.Sleep(moment)
				r.Wake()
			})
			n, err := r.Wait(dst[:], min, patience)
			require.ErrorIs(t, err, ops.ErrWoken)
			require.Zero(t, n)
			join()
		}
		takeNone(t, r)
	})
}

// A Wake before Wait counts, and several count as one.
func TestWakeIsKeptAndCoalesced(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for range 5 {
			r.Wake()
		}
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 1, patience)
		require.ErrorIs(t, err, ops.ErrWoken)
		require.Zero(t, n)
		takeNone(t, r)

		// It comes along with completions, and with a Wait that does not wait.
		queue(t, r, ops.Nop())
		r.Wake()
		n, err = r.Wait(dst[:], 1, patience)
		if n == 0 { // woken before the nop was started
			takeOne(t, r)
		}
		require.ErrorIs(t, err, ops.ErrWoken)
		r.Wake()
		_, err = r.Wait(dst[:], 0, 0)
		require.ErrorIs(t, err, ops.ErrWoken)
		takeNone(t, r)
	})
}

func TestWakeDoesNotEndDo(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		join := during(t, func() {
			time.Sleep(moment)
			r.Wake()
		})
		_, err := r.Do(context.Background(), ops.Timer(3*moment))
		require.NoError(t, err)
		join()
		var dst [1]ops.Completion
		_, err = r.Wait(dst[:], 1, patience)
		require.ErrorIs(t, err, ops.ErrWoken)
	})
}

// Whoever wakes is heard, however close to the end of the wait (trap 7).
func TestWakeRacesWithTimeout(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var dst [1]ops.Completion
		for i := range 300 {
			d := time.Duration(i%50) * 10 * time.Microsecond
			var wg sync.WaitGroup
			wg.Go(func() {
				time.Sleep(d)
				r.Wake()
			})
			_, err := r.Wait(dst[:], 1, 250*time.Microsecond)
			wg.Wait()
			if err != ops.ErrWoken {
				require.ErrorIs(t, err, ops.ErrTimeout)
				_, err = r.Wait(dst[:], 1, patience)
			}
			require.ErrorIs(t, err, ops.ErrWoken, "round %d: a wake-up was lost", i)
		}
		takeNone(t, r)
	})
}

// Nor is one lost that comes just before a wait for several begins, which one
// completion does not end and the signal comes too early for (trap 7).
func TestWakeRacesWithWaitForSeveral(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		for range 4 {
			queue(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		}
		dst := make([]ops.Completion, 4)
		for range 1000 {
			var waits atomic.Bool
			var wg sync.WaitGroup
			wg.Go(func() {
				for !waits.Load() {
					runtime.Gosched()
				}
				r.Wake()
			})
			waits.Store(true)
			n, err := r.Wait(dst, 4, ring.Forever)
			require.ErrorIs(t, err, ops.ErrWoken)
			require.Zero(t, n)
			wg.Wait()
		}
		_, err := unix.Write(out, make([]byte, 4))
		require.NoError(t, err)
		n, err := r.Wait(dst, 4, ring.Forever)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		takeNone(t, r)
	})
}

// Wake-ups outlive the poll that brings them, also when the submission ring has
// no room for it (traps 5 and 14).
func TestWakeWithFullSubmissionRing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, entries := range []int{1, 2, 4} {
			r := newRing(ring.Config{Entries: entries})
			in, out := pipe(t)
			for i := range entries {
				queue(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
			}
			join := during(t, func() {
				time.Sleep(moment)
				r.Wake()
			})
			var dst [1]ops.Completion
			before := time.Now()
			_, err := r.Wait(dst[:], 1, 5*time.Second)
			require.ErrorIs(t, err, ops.ErrWoken, "%d entries", entries)
			require.Less(t, time.Since(before), 4*time.Second, "woken only by the timeout")
			join()
			for range entries {
				write(t, out, "x")
			}
			take(t, r, entries)
		}
	})
}

// Signals end no wait and lose nothing, whether they come from this process or
// from another, to the waiting thread or to any (trap 7).
func TestSignalsDuringWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		tid := unix.Gettid()
		var stop atomic.Bool
		join := during(t, func() {
			for !stop.Load() {
				// What the Go runtime sends to its own threads.
				_ = unix.Tgkill(unix.Getpid(), tid, unix.SIGURG)
				_ = unix.Kill(unix.Getpid(), unix.SIGURG)
				time.Sleep(20 * time.Microsecond)
			}
		})
		defer join()
		defer stop.Store(true)
		var dst [4]ops.Completion
		for range 5 {
			before := time.Now()
			_, err := r.Wait(dst[:], 1, moment)
			require.ErrorIs(t, err, ops.ErrTimeout)
			require.GreaterOrEqual(t, time.Since(before), moment, "a signal was taken for a timeout")
		}
		in, out := pipe(t)
		for i := range 300 {
			submit(t, r, ops.Timer(time.Duration(i%7)*10*time.Microsecond))
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			submit(t, r, ops.Nop())
			write(t, out, "x")
			take(t, r, 3)
		}
		takeNone(t, r)
	})
}

func TestSignalsFromAnotherProcess(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		pid := strconv.Itoa(os.Getpid())
		cmd := exec.Command(sh, "-c", fmt.Sprintf("while kill -%d %s; do :; done", syscall.SIGURG, pid))
		require.NoError(t, cmd.Start())
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
		var dst [1]ops.Completion
		for range 5 {
			before := time.Now()
			_, err := r.Wait(dst[:], 1, moment)
			require.ErrorIs(t, err, ops.ErrTimeout)
			require.GreaterOrEqual(t, time.Since(before), moment)
		}
		for range 100 {
			stillWorks(t, r)
		}
	})
}

func TestPostFromManyGoroutines(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		const posters, each = 8, 500
		r := newRing(ring.Config{})
		var wg sync.WaitGroup
		for p := range posters {
			wg.Go(func() {
				for i := range each {
					id, err := r.Post([2]int{p, i}, ops.Normal)
					assert.NoError(t, err)
					assert.NotZero(t, id)
				}
			})
		}
		next := [posters]int{}
		for range posters * each {
			c := takeOne(t, r)
			tag := c.Tag.([2]int)
			require.Equal(t, next[tag[0]], tag[1], "out of order")
			require.Equal(t, ops.CodePost, c.Code)
			require.NoError(t, c.Err())
			next[tag[0]]++
		}
		wg.Wait()
		takeNone(t, r)
	})
}

func TestPostRefuses(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 2})
		_, err := r.Post(nil, ops.Highest+1)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "priority")
		for range 2 {
			_, err = r.Post(nil, ops.Lowest)
			require.NoError(t, err)
		}
		_, err = r.Post(nil, ops.Normal)
		assert.ErrorIs(t, err, ops.ErrFull)
		take(t, r, 2)
		stillWorks(t, r)
		require.NoError(t, r.Close())
		_, err = r.Post(nil, ops.Normal)
		assert.ErrorIs(t, err, ops.ErrClosed)
	})
}

// The id of a post names nothing that could be cancelled.
func TestPostCannotBeCancelled(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		id, err := r.Post("x", ops.Normal)
		require.NoError(t, err)
		assert.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
		c := takeOne(t, r)
		assert.Equal(t, "x", c.Tag)
	})
}
