package locks_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A cancel ends each of the waits on memory, and leaves what was waited for as it was.
func TestCancelEndsWaitsOnMemory(t *testing.T) {
	r := newRing(t, ring.Config{})
	mem, _ := newMapping(t)
	m, err := locks.MutexAt(mem)
	require.NoError(t, err)
	require.True(t, m.TryLock())
	eventMem, _ := newMapping(t)
	e, err := locks.EventAt(eventMem)
	require.NoError(t, err)
	word := new(atomic.Uint32)
	waits := []ops.Request{m.Lock(), e.Wait(), locks.FutexWait(word, 0, locks.MatchAny)}
	if testkit.KernelHas("5.16") {
		waits = append(waits, locks.FutexWaitv([]*atomic.Uint32{word}, []uint32{0}))
	}
	for _, req := range waits {
		id := submit(t, r, req)
		pending(t, r)
		require.NoError(t, r.Cancel(id))
		c := wait(t, r)
		require.Equal(t, id, c.ID)
		require.ErrorIs(t, c.Err(), ops.ErrCanceled, "%v", req.Code)
	}
	require.NoError(t, m.Unlock())
	do(t, r, m.Lock())
	require.NoError(t, m.Unlock())
}
