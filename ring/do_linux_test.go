package ring_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// eachCaller runs f with a Ring and a way to call Do: as its owner, and from
// another goroutine while the owner waits.
func eachCaller(t *testing.T, f func(t *testing.T, r *ring.Ring, call func(func()))) {
	eachMode(t, func(t *testing.T, newRing maker) {
		f(t, newRing(ring.Config{}), func(do func()) { do() })
		r := newRing(ring.Config{})
		f(t, r, func(do func()) {
			var wg sync.WaitGroup
			wg.Go(do)
			assert.Empty(t, serve(t, r, wg.Wait))
		})
	})
}

func TestDo(t *testing.T) {
	eachCaller(t, func(t *testing.T, r *ring.Ring, call func(func())) {
		in, out := pipe(t)
		call(func() {
			c, err := r.Do(context.Background(), ops.Write(out, []byte("text"), ops.Current).WithTag("w"))
			assert.NoError(t, err)
			assert.Equal(t, 4, c.N())
			assert.Equal(t, "w", c.Tag)
			assert.False(t, c.More)

			buf := make([]byte, 16)
			c, err = r.Do(context.Background(), ops.Read(in, buf, ops.Current))
			assert.NoError(t, err)
			assert.Equal(t, "text", string(c.Bytes()))

			_, err = r.Do(context.Background(), ops.Read(1<<30, buf, 0))
			assert.ErrorIs(t, err, syscall.EBADF)
			var e *ops.Error
			assert.ErrorAs(t, err, &e)
			assert.Equal(t, ops.CodeRead, e.Code)

			_, err = r.Do(context.Background(), ops.Open("/nonexistent", os.O_RDONLY, 0))
			assert.ErrorIs(t, err, os.ErrNotExist)
			assert.ErrorContains(t, err, "/nonexistent")

			c, err = r.Do(context.Background(), ops.Timer(time.Millisecond))
			assert.NoError(t, err)
			assert.Equal(t, ops.CodeTimer, c.Code)
		})
	})
}

func TestDoWithContextThatHasEnded(t *testing.T) {
	eachCaller(t, func(t *testing.T, r *ring.Ring, call func(func())) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		call(func() {
			before := r.Stats().Submitted
			_, err := r.Do(ctx, ops.Nop())
			assert.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, before, r.Stats().Submitted, "the request was started")
		})
	})
}

func TestDoWithContextThatEnds(t *testing.T) {
	why := errors.New("why")
	eachCaller(t, func(t *testing.T, r *ring.Ring, call func(func())) {
		in, _ := pipe(t)
		call(func() {
			ctx, cancel := context.WithTimeout(context.Background(), moment)
			defer cancel()
			_, err := r.Do(ctx, ops.Read(in, make([]byte, 1), ops.Current))
			assert.ErrorIs(t, err, context.DeadlineExceeded)

			ctx, cancel = context.WithCancel(context.Background())
			time.AfterFunc(moment, cancel)
			_, err = r.Do(ctx, ops.Read(in, make([]byte, 1), ops.Current))
			assert.ErrorIs(t, err, context.Canceled)

			ctx, cancelCause := context.WithCancelCause(context.Background())
			time.AfterFunc(moment, func() { cancelCause(why) })
			_, err = r.Do(ctx, ops.Timer(time.Hour))
			assert.ErrorIs(t, err, why)
		})
		stillWorks(t, r)
	})
}

// A context that ends at about the same time as the request: either outcome is
// fine, but there is one, and it is what happened.
func TestDoWithContextThatRaces(t *testing.T) {
	eachCaller(t, func(t *testing.T, r *ring.Ring, call func(func())) {
		in, out := pipe(t)
		got, written := 0, 200
		call(func() {
			for i := range written {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(time.Duration(i)*time.Microsecond, cancel)
				time.AfterFunc(time.Duration(written-i)*time.Microsecond, func() { _, _ = syscall.Write(out, []byte("x")) })
				c, err := r.Do(ctx, ops.Read(in, make([]byte, 1), ops.Current))
				if err == nil {
					got += c.N()
				} else {
					assert.ErrorIs(t, err, context.Canceled)
				}
				cancel()
			}
			// What cancelled requests did not take is still in the pipe.
			buf := make([]byte, 2*written)
			for got < written {
				c, err := r.Do(context.Background(), ops.Read(in, buf, ops.Current))
				if !assert.NoError(t, err) {
					return
				}
				got += c.N()
			}
		})
		assert.Equal(t, written, got)
	})
}

func TestDoTimeout(t *testing.T) {
	eachCaller(t, func(t *testing.T, r *ring.Ring, call func(func())) {
		in, _ := pipe(t)
		call(func() {
			before := time.Now()
			_, err := r.Do(context.Background(), ops.Read(in, make([]byte, 1), ops.Current).WithTimeout(moment))
			assert.ErrorIs(t, err, ops.ErrTimeout)
			assert.GreaterOrEqual(t, time.Since(before), moment)
		})
	})
}

func TestDoRefuses(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 1})
		in, _ := pipe(t)
		_, err := r.Do(context.Background(), readiness.Edge(in, readiness.In))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "multishot")
		_, err = r.Do(context.Background(), ops.Request{})
		assert.ErrorIs(t, err, ops.ErrInvalid)
		id := submit(t, r, ops.Timer(time.Hour))
		_, err = r.Do(context.Background(), ops.Nop())
		assert.ErrorIs(t, err, ops.ErrFull)
		require.NoError(t, r.Cancel(id))
		takeOne(t, r)
		stillWorks(t, r)
	})
}

// The owner of a Ring may call Do between Waits: completions of other requests
// stay for Wait.
func TestDoLeavesOthersForWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for i := range 10 {
			queue(t, r, ops.Nop().WithTag(i))
		}
		_, err := r.Do(context.Background(), ops.Timer(time.Millisecond))
		require.NoError(t, err)
		for i, c := range take(t, r, 10) {
			assert.Equal(t, i, c.Tag)
		}
	})
}

// Close ends every Do.
func TestDoEndsWithClose(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		var wg sync.WaitGroup
		for i := range 20 {
			req := ops.Read(in, make([]byte, 1), ops.Current)
			if i%2 == 0 {
				req = ops.Timer(time.Hour)
			}
			wg.Go(func() {
				_, err := r.Do(context.Background(), req)
				assert.ErrorIs(t, err, ops.ErrClosed)
			})
		}
		var dst [1]ops.Completion
		for r.Stats().Pending < 20 {
			_, err := r.Wait(dst[:], 1, time.Millisecond)
			require.ErrorIs(t, err, ops.ErrTimeout)
		}
		require.NoError(t, r.Close())
		wg.Wait()
		_, err := r.Do(context.Background(), ops.Nop())
		assert.ErrorIs(t, err, ops.ErrClosed)
	})
}
