package portable_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// While an engine sends to another, it lets go of its lock, and others may submit.
// Each entry is carried out once all the same.
func TestSubmitWhileSending(t *testing.T) {
	from, err := ring.New(ring.Config{Engine: ring.Portable, Entries: 64})
	require.NoError(t, err)
	to, err := ring.New(ring.Config{Engine: ring.Portable})
	require.NoError(t, err)
	in, err := to.NewInbox("in", ops.Normal)
	require.NoError(t, err)
	const senders, each = 4, 20000
	var letters atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c := range to.Completions(t.Context()) {
			if c.More {
				letters.Add(1)
			}
		}
	}()
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				c, err := from.Do(t.Context(), ops.PostTo(in, 7))
				if !assert.NoError(t, err) || !assert.NoError(t, c.Err()) {
					return
				}
				c, err = from.Do(t.Context(), ops.Nop())
				if !assert.NoError(t, err) || !assert.NoError(t, c.Err()) {
					return
				}
			}
		})
	}
	all.Wait()
	assert.Zero(t, from.Stats().Stray, "completions of requests that have ended")
	assert.Eventually(t, func() bool { return letters.Load() == senders*each }, patience, time.Millisecond)
	require.NoError(t, from.Close())
	in.Close()
	require.NoError(t, to.Close())
	<-done
	assert.EqualValues(t, senders*each, letters.Load())
}
