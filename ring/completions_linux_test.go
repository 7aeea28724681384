package ring_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

func TestCompletions(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for i := range 10 {
			queue(t, r, ops.Nop().WithTag(i))
		}
		next := 0
		for c := range r.Completions(context.Background()) {
			require.Equal(t, next, c.Tag)
			if next++; next == 10 {
				break
			}
		}
		takeNone(t, r)
	})
}

// Leaving the loop loses nothing, however it is left (trap 50).
func TestCompletionsLeftEarly(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		const all = 40 // a multiple of the four below
		for i := range all {
			queue(t, r, ops.Nop().WithTag(i))
		}
		next := 0
		leave := func(how func()) {
			defer func() { _ = recover() }()
			for c := range r.Completions(context.Background()) {
				require.Equal(t, next, c.Tag)
				next++
				how()
				break
			}
		}
		for next < all {
			leave(func() {})
			leave(func() { panic("from the loop's body") })
			leave(func() {
				for c := range r.Completions(context.Background()) { // nested
					require.Equal(t, next, c.Tag)
					next++
					break
				}
			})
		}
		takeNone(t, r)
		stillWorks(t, r)
	})
}

func TestCompletionsEndWithContext(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		ctx, cancel := context.WithTimeout(context.Background(), moment)
		defer cancel()
		for range r.Completions(ctx) {
			t.Error("there is none")
		}
		assert.Error(t, ctx.Err(), "it ended by itself")
		for range r.Completions(ctx) {
			t.Error("there is none")
		}
		stillWorks(t, r)
	})
}

// An endless supply of completions does not keep the loop from ending.
func TestCompletionsEndWithContextUnderLoad(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		write(t, out, "x") // never read
		id := submit(t, r, readiness.Level(in, readiness.In))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		n := 0
		for range r.Completions(ctx) {
			if n++; n == 10 {
				cancel()
			}
			if n == 1000 {
				t.Error("the loop goes on after its context has ended")
				break
			}
		}
		require.NoError(t, r.Cancel(id))
		for c := takeOne(t, r); c.More; c = takeOne(t, r) {
		}
		stillWorks(t, r)
	})
}

func TestCompletionsIgnoreWake(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		r.Wake()
		submit(t, r, ops.Timer(moment))
		join := during(t, r.Wake)
		n := 0
		for range r.Completions(context.Background()) {
			n++
			break
		}
		assert.Equal(t, 1, n)
		join()
		var dst [1]ops.Completion
		_, _ = r.Wait(dst[:], 0, 0) // the last Wake may be pending
	})
}

// After Close the loop yields what is left, and ends.
func TestCompletionsEndWithClose(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, _ := pipe(t)
		submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		submit(t, r, ops.Timer(time.Hour))
		join := during(t, func() {
			time.Sleep(moment)
			assert.NoError(t, r.Close())
		})
		n := 0
		for c := range r.Completions(context.Background()) {
			require.ErrorIs(t, c.Err(), ops.ErrClosed)
			n++
		}
		assert.Equal(t, 2, n)
		join()
	})
}

// trap 2
func TestCompletionsOfAnothersRing(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	during(t, func() {
		assert.Panics(t, func() {
			for range r.Completions(context.Background()) {
			}
		})
	})()
}
