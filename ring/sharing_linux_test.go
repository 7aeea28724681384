package ring_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// The tests here are about several goroutines that wait on one shared Ring: one
// of them waits in the kernel for all, and nobody may be left asleep.

// shared makes a shared Ring for a test that needs one.
func shared(t *testing.T, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { closeRing(t, r) })
	return r
}

// waitOne takes one completion in a goroutine of its own.
func waitOne(t *testing.T, r *ring.Ring) <-chan ops.Completion {
	c := make(chan ops.Completion, 1)
	go func() {
		var dst [1]ops.Completion
		n, err := r.Wait(dst[:], 1, patience)
		if assert.NoError(t, err) && assert.Equal(t, 1, n) {
			c <- dst[0]
		}
		close(c)
	}()
	return c
}

// doOne carries req out in a goroutine of its own.
func doOne(t *testing.T, r *ring.Ring, req ops.Request) <-chan ops.Completion {
	c := make(chan ops.Completion, 1)
	go func() {
		got, err := r.Do(context.Background(), req)
		if assert.NoError(t, err) {
			c <- got
		}
		close(c)
	}()
	return c
}

// A goroutine in Do that waits in the kernel sees completions that belong to one
// in Wait.
func TestDoWakesWait(t *testing.T) {
	r := shared(t, ring.Config{})
	in1, out1 := pipe(t)
	in2, out2 := pipe(t)
	done := doOne(t, r, ops.Read(in1, make([]byte, 8), ops.Current))
	time.Sleep(moment) // it leads now
	submit(t, r, ops.Read(in2, make([]byte, 8), ops.Current).WithTag("wait"))
	waited := waitOne(t, r)
	time.Sleep(moment)
	write(t, out2, "x")
	select {
	case c := <-waited:
		assert.Equal(t, "wait", c.Tag)
	case <-time.After(5 * time.Second):
		t.Error("the goroutine in Wait sleeps on beside its completion")
	}
	write(t, out1, "x")
	<-done
	<-waited
}

// Submit and Do take in completions on the side. Who waits for them must hear of
// it, though nothing is left in the completion ring to wake it.
func TestDoWakesWaitWhenItReapsForIt(t *testing.T) {
	r := shared(t, ring.Config{})
	in, out := pipe(t)
	for i := range 100 {
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
		waited := waitOne(t, r)
		time.Sleep(time.Millisecond) // mostly enough for it to sleep
		write(t, out, "x")
		_, err := r.Do(context.Background(), ops.Nop())
		require.NoError(t, err)
		select {
		case c := <-waited:
			require.Equal(t, i, c.Tag)
			continue
		case <-time.After(5 * time.Second):
			t.Errorf("round %d: the goroutine in Wait sleeps on beside its completion", i)
		}
		_, err = r.Post(nil, ops.Highest)
		require.NoError(t, err)
		<-waited
		return
	}
}

// Whoever waits in the kernel leaves when it has what it wants: another one must
// take over.
func TestLeadIsPassedOn(t *testing.T) {
	r := shared(t, ring.Config{})
	const waiters = 16
	var ins, outs [waiters]int
	var done [waiters]<-chan ops.Completion
	for i := range waiters {
		ins[i], outs[i] = pipe(t)
		done[i] = doOne(t, r, ops.Read(ins[i], make([]byte, 8), ops.Current).WithTag(i))
		time.Sleep(time.Millisecond)
	}
	// First in the order in which they came, so that each time the leader leaves;
	// then the rest in the opposite order.
	for i := range waiters / 2 {
		write(t, outs[i], "x")
		c := <-done[i]
		assert.Equal(t, i, c.Tag)
	}
	for i := waiters - 1; i >= waiters/2; i-- {
		write(t, outs[i], "x")
		c := <-done[i]
		assert.Equal(t, i, c.Tag)
	}
}

// A leader that gives up, for want of time, passes on as well.
func TestLeadIsPassedOnAfterTimeout(t *testing.T) {
	r := shared(t, ring.Config{})
	in, out := pipe(t)
	var dst [1]ops.Completion
	gaveUp := make(chan error, 1)
	go func() {
		_, err := r.Wait(dst[:], 1, 2*moment)
		gaveUp <- err
	}()
	time.Sleep(moment)
	done := doOne(t, r, ops.Read(in, make([]byte, 8), ops.Current))
	require.ErrorIs(t, <-gaveUp, ops.ErrTimeout)
	write(t, out, "x")
	c := <-done
	assert.Equal(t, 1, c.N())
}

// Each completion goes to one goroutine, whoever it is.
func TestManyGoroutinesInWait(t *testing.T) {
	r := shared(t, ring.Config{})
	const takers, all = 8, 4000
	var seen [all]atomic.Int32
	var left atomic.Int32
	left.Store(all)
	var wg sync.WaitGroup
	for range takers {
		wg.Go(func() {
			var dst [3]ops.Completion
			for {
				n, err := r.Wait(dst[:], 1, patience)
				for _, c := range dst[:n] {
					if c.Tag.(int) >= 0 {
						seen[c.Tag.(int)].Add(1)
						left.Add(-1)
					}
				}
				if err != nil {
					assert.ErrorIs(t, err, ops.ErrClosed)
					return
				}
			}
		})
	}
	in, out := pipe(t)
	for i := range all {
		switch i % 4 {
		case 0:
			submit(t, r, ops.Nop().WithTag(i))
		case 1:
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTag(i))
			write(t, out, "x")
		case 2:
			submit(t, r, ops.Timer(time.Duration(i)*time.Microsecond/10).WithTag(i))
		case 3:
			_, err := r.Post(i, ops.Normal)
			require.NoError(t, err)
		}
	}
	assert.Eventually(t, func() bool { return left.Load() <= 0 }, patience, time.Millisecond,
		"completions were not delivered")
	require.NoError(t, r.Close())
	wg.Wait()
	for i := range seen {
		require.EqualValues(t, 1, seen[i].Load(), "completion %d", i)
	}
}

// A Wait that wants several does not keep others from theirs, once it gives up.
func TestGreedyAndModestWait(t *testing.T) {
	r := shared(t, ring.Config{})
	greedy := make(chan int, 1)
	go func() {
		var dst [100]ops.Completion
		n, err := r.Wait(dst[:], 100, 5*moment)
		assert.ErrorIs(t, err, ops.ErrTimeout)
		greedy <- n
	}()
	time.Sleep(moment)
	modest := waitOne(t, r)
	got := 0
	for i := range 50 {
		submit(t, r, ops.Nop().WithTag(i))
	}
	got += <-greedy
	if got == 50 { // all of them: the other one still waits
		submit(t, r, ops.Nop())
		<-modest
		return
	}
	<-modest
	got++
	for ; got < 50; got++ {
		takeOne(t, r)
	}
}

// Calls of Do from many goroutines, in both modes.
func TestDoFromThousandGoroutines(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				req := ops.Nop()
				switch i % 4 {
				case 1:
					req = ops.Timer(time.Duration(i) * 10 * time.Microsecond)
				case 2:
					req = ops.Read(in, make([]byte, 1), ops.Current)
				case 3:
					req = ops.Write(out, []byte("x"), ops.Current)
				}
				c, err := r.Do(context.Background(), req.WithTag(i))
				assert.NoError(t, err)
				assert.Equal(t, i, c.Tag)
			})
		}
		assert.Empty(t, serve(t, r, wg.Wait))
	})
}

// A timer or timeout that comes from elsewhere must shorten a sleep that is
// under way.
func TestTimerShortensWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		for name, add := range map[string]func(){
			"timer": func() { submit(t, r, ops.Timer(moment).WithTag("timer")) },
			"timeout": func() {
				submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithTimeout(moment).WithTag("timeout"))
			},
			"deadline": func() {
				submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithDeadline(time.Now().Add(moment)).WithTag("deadline"))
			},
		} {
			// A later timer, so that the sleep has an end already.
			late := submit(t, r, ops.Timer(time.Hour).WithTag("late"))
			join := during(t, func() {
				time.Sleep(moment)
				add()
			})
			c := takeOne(t, r)
			assert.Equal(t, name, c.Tag, fmt.Sprint(c.Err()))
			join()
			require.NoError(t, r.Cancel(late))
			c = takeOne(t, r)
			assert.Equal(t, "late", c.Tag)
		}
	})
}
