package ring_test

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// slowWord is a lock whose attempts take as long as those on a file server that does
// not answer.
type slowWord struct {
	trying chan struct{} // has a value when an attempt is made
	answer chan syscall.Errno
	free   chan struct{} // has a value when one who waits may have it
	blocks atomic.Int32  // calls of Block
}

func newSlowWord() *slowWord {
	return &slowWord{trying: make(chan struct{}, 8), answer: make(chan syscall.Errno, 8), free: make(chan struct{})}
}

func (s *slowWord) Try() syscall.Errno {
	s.trying <- struct{}{}
	return <-s.answer
}

func (s *slowWord) Retry() syscall.Errno { return syscall.EAGAIN }

func (s *slowWord) Block(c *interrupt.Call) syscall.Errno {
	s.blocks.Add(1)
	for !c.Interrupted() {
		select {
		case <-s.free:
			return 0
		case <-time.After(time.Millisecond):
		}
	}
	return syscall.EINTR
}

func (s *slowWord) Key() (uint8, uint64) { return 200, 0 }

func (s *slowWord) lock() ops.Request { return ops.Request{Code: ops.CodeMutex, FD: -1, Arg: s} }

// attemptOn has another goroutine submit req, which is for s, and returns when the
// attempt is being made. submitted waits for the goroutine.
func attemptOn(t *testing.T, r *ring.Ring, s *slowWord, req ops.Request) (id ops.ID, submitted func()) {
	ids := make([]ops.ID, 1)
	submitted = during(t, func() { assert.NoError(t, r.SubmitAll([]ops.Request{req}, ids)) })
	<-s.trying
	return ids[0], submitted
}

// While a lock is being tried, the Ring serves others.
func TestAttemptHoldsUpNobody(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		s := newSlowWord()
		id, submitted := attemptOn(t, r, s, s.lock())
		_, err := r.Do(context.Background(), ops.Nop())
		require.NoError(t, err)
		fd, _ := tempFile(t, "")
		_, err = r.Do(context.Background(), locks.Flock(fd, locks.Exclusive))
		require.NoError(t, err, "another lock")
		assert.Equal(t, 1, r.Stats().Pending)
		s.answer <- 0
		submitted()
		c := takeOne(t, r)
		assert.Equal(t, id, c.ID)
		assert.NoError(t, c.Err())
		assert.EqualValues(t, 2, r.Locks().Inline)
	})
}

// Cancel and a timeout come in the middle of an attempt: if that brings the lock the
// request has it, else it ends.
func TestAttemptCancelled(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, answer := range []syscall.Errno{0, syscall.EAGAIN} {
			s := newSlowWord()
			id, submitted := attemptOn(t, r, s, s.lock())
			n, err := r.CancelAll()
			require.NoError(t, err)
			assert.Equal(t, 1, n)
			s.answer <- answer
			submitted()
			c := takeOne(t, r)
			assert.Equal(t, id, c.ID)
			if answer == 0 {
				assert.NoError(t, c.Err())
				continue
			}
			assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
			assert.Equal(t, ops.ByCancel, c.Cause)
		}
		assert.Zero(t, r.Locks().Waiting)
	})
}

// A priority that is set in the middle of an attempt counts for the completion, and
// where the request waits if it has to.
func TestAttemptPriority(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		s := newSlowWord()
		id, _ := attemptOn(t, r, s, s.lock())
		require.NoError(t, r.SetPriority(id, ops.High))
		s.answer <- 0
		assert.Equal(t, ops.High, takeOne(t, r).Priority)

		low, submitted := attemptOn(t, r, s, s.lock())
		require.NoError(t, r.SetPriority(low, ops.Lowest))
		s.answer <- syscall.EAGAIN
		submitted()
		normal, submitted := attemptOn(t, r, s, s.lock())
		s.answer <- syscall.EAGAIN
		submitted()
		require.Eventually(t, func() bool { return s.blocks.Load() == 2 }, patience, time.Millisecond, "the first gives way")
		assert.EqualValues(t, 1, r.Locks().Preempted)
		s.free <- struct{}{}
		assert.Equal(t, normal, takeOne(t, r).ID)
		s.free <- struct{}{}
		c := takeOne(t, r)
		assert.Equal(t, low, c.ID)
		assert.Equal(t, ops.Lowest, c.Priority)
	})
}

// Close waits for an attempt, and says so when that takes too long.
func TestAttemptWhileClosing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{CloseTimeout: moment})
		s := newSlowWord()
		id, submitted := attemptOn(t, r, s, s.lock())
		err := r.Close()
		require.ErrorIs(t, err, ops.ErrBusy)
		assert.ErrorContains(t, err, "such as mutex")
		s.answer <- 0
		submitted()
		require.NoError(t, r.Close())
		all := drain(t, r)
		require.Len(t, all, 1)
		assert.Equal(t, id, all[0].ID)
		assert.NoError(t, all[0].Err(), "it has the lock")
	})
}

// Attempts are made in the order in which requests are submitted, also by a chain and
// behind a barrier.
func TestAttemptOrder(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		path := ""
		var fds [2]int
		fds[0], path = tempFile(t, "")
		second, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		own(t, second)
		fds[1] = second
		var group []ops.Request
		for i := range 100 {
			lock := locks.Flock(fds[i%2], locks.Exclusive)
			switch i % 4 {
			case 1:
				lock = locks.Try(lock)
			case 2:
				lock = lock.WithTimeout(patience)
			case 3:
				lock = lock.WithDrain()
			}
			group = append(group, lock, locks.Flock(fds[i%2], locks.Unlock))
		}
		require.NoError(t, r.SubmitAll(group, nil))
		for _, c := range take(t, r, len(group)) {
			require.NoError(t, c.Err())
		}
	})
}

// What comes while a lock is tried in a Wait ends the sleep that the same turn goes to:
// Wake, and the end of a context.
func TestAttemptWakes(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		// whileTried calls f while a Wait tries a lock, and has nothing to deliver.
		whileTried := func(f func()) {
			s := newSlowWord()
			in, out := pipe(t)
			during(t, func() {
				_, err := r.Do(context.Background(), ops.Read(in, make([]byte, 1), ops.Current))
				assert.NoError(t, err)
			})
			require.Eventually(t, func() bool { return r.Stats().Pending == 1 }, patience, time.Millisecond)
			queue(t, r, s.lock().WithDrain()) // tried when the read is done
			write(t, out, "x")
			during(t, func() {
				<-s.trying
				f()
				s.answer <- syscall.EAGAIN
			})
		}
		whileTried(r.Wake)
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 1, patience)
		require.ErrorIs(t, err, ops.ErrWoken)
		require.Zero(t, n)
		_, err = r.CancelAll() // the next one is tried where nobody waits
		require.NoError(t, err)
		takeOne(t, r)

		ctx, cancel := context.WithCancel(context.Background())
		whileTried(func() {
			cancel()
			time.Sleep(moment) // until Completions was told
		})
		late := time.AfterFunc(patience, r.Wake)
		for c := range r.Completions(ctx) {
			t.Errorf("%v instead of the end", c)
		}
		require.True(t, late.Stop(), "it slept on")
	})
}
