package timers

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

func TestHeapOrder(t *testing.T) {
	var h Heap
	assert.Equal(t, ops.Never, h.Next())
	_, ok := h.Pop(ops.Never)
	assert.False(t, ok)
	for i, when := range []ops.Instant{50, 10, 40, ops.Never, 20, 30} {
		h.Add(i, uint64(when), when)
	}
	assert.Equal(t, 6, h.Len())
	assert.EqualValues(t, 10, h.Next())
	_, ok = h.Pop(9)
	assert.False(t, ok, "early")
	for _, want := range []uint64{10, 20, 30} {
		name, ok := h.Pop(30)
		require.True(t, ok)
		require.Equal(t, want, name)
	}
	_, ok = h.Pop(39)
	assert.False(t, ok)
	assert.True(t, h.Remove(0))
	assert.False(t, h.Remove(0), "twice")
	assert.False(t, h.Remove(1000), "never was")
	assert.EqualValues(t, 40, h.Next())
}

// heapModel is a Heap as a map.
type heapModel struct {
	t     *testing.T
	heap  Heap
	whens map[int]ops.Instant
}

// step does one thing to both and compares them.
func (m *heapModel) step(op, index int, when ops.Instant) {
	_, there := m.whens[index]
	switch {
	case op == 0:
		require.Equal(m.t, there, m.heap.Remove(index))
		delete(m.whens, index)
	case op == 1:
		m.pop(when)
	case !there:
		m.heap.Add(index, uint64(index)|1<<40, when)
		m.whens[index] = when
	}
	require.Equal(m.t, len(m.whens), m.heap.Len())
	require.Equal(m.t, m.least(), m.heap.Next())
}

func (m *heapModel) least() ops.Instant {
	least := ops.Never
	for _, when := range m.whens {
		least = min(least, when)
	}
	return least
}

func (m *heapModel) pop(now ops.Instant) {
	least := m.least()
	name, ok := m.heap.Pop(now)
	require.Equal(m.t, len(m.whens) > 0 && least <= now, ok)
	if ok {
		index := int(name &^ (1 << 40))
		require.Equal(m.t, least, m.whens[index])
		delete(m.whens, index)
	}
}

func TestHeapAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int{1, 5, 200} {
		m := heapModel{t: t, whens: map[int]ops.Instant{}}
		for range 5000 {
			m.step(rng.IntN(5), rng.IntN(size), ops.Instant(rng.Int64N(100)-10))
		}
		for m.heap.Len() > 0 {
			m.pop(ops.Never)
		}
	}
}

func FuzzHeap(f *testing.F) {
	f.Add([]byte{2, 1, 9, 2, 2, 3, 1, 0, 5, 0, 1, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := heapModel{t: t, whens: map[int]ops.Instant{}}
		for ; len(steps) >= 3; steps = steps[3:] {
			m.step(int(steps[0]%5), int(steps[1]%32), ops.Instant(int8(steps[2])))
		}
		for m.heap.Len() > 0 {
			m.pop(ops.Never)
		}
	})
}

// A million pending timers are cheap.
func BenchmarkMillion(b *testing.B) {
	var h Heap
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 1 << 20
	for i := range n {
		h.Add(i, 0, ops.Instant(rng.Int64()))
	}
	b.ReportAllocs()
	for b.Loop() {
		i := rng.IntN(n)
		h.Remove(i)
		h.Add(i, 0, ops.Instant(rng.Int64()))
	}
}
