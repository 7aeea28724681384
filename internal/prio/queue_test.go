package prio

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

func TestQueueOrder(t *testing.T) {
	var q Queue[string]
	assert.Nil(t, q.Peek())
	for _, p := range []ops.Priority{ops.Low, ops.Highest, ops.Normal, ops.Low, ops.Lowest, ops.Highest} {
		q.Push(p, p.String())
	}
	assert.Equal(t, 6, q.Len())
	require.Equal(t, "highest", *q.Ahead(1))
	require.Nil(t, q.Ahead(2), "the next level is not looked at")
	for _, want := range []string{"highest", "highest", "normal", "low", "low", "lowest"} {
		require.Equal(t, want, *q.Peek())
		require.Equal(t, want, q.Pop())
	}
	assert.Zero(t, q.Len())
	assert.Nil(t, q.Peek())
	assert.Nil(t, q.Ahead(0))
}

// What was popped is not kept reachable.
func TestQueueLetsGo(t *testing.T) {
	var q Queue[*int]
	for range 100 {
		q.Push(ops.Normal, new(int))
	}
	for range 100 {
		q.Pop()
	}
	for _, p := range q.levels[ops.Normal.Level()].buf {
		require.Nil(t, p)
	}
}

// queueModel is a Queue as slices.
type queueModel struct {
	t      *testing.T
	queue  Queue[int]
	levels [ops.Levels][]int
	next   int
}

// step does one thing to both and compares them.
func (m *queueModel) step(op, level int) {
	p := ops.Priority(level%ops.Levels) + ops.Lowest
	l := &m.levels[p.Level()]
	switch op % 16 {
	case 0, 1, 2, 3, 4, 5:
		m.next++
		m.queue.Push(p, m.next)
		*l = append(*l, m.next)
	case 15:
		to := ops.Priority((level/ops.Levels)%ops.Levels) + ops.Lowest
		match := func(v int) bool { return v%3 == level%3 }
		m.queue.Move(p, to, match)
		if to != p {
			for _, v := range *l {
				if match(v) {
					m.levels[to.Level()] = append(m.levels[to.Level()], v)
				}
			}
			*l = slices.DeleteFunc(*l, match)
		}
	default:
		m.pop()
	}
	n := 0
	for _, l := range m.levels {
		n += len(l)
	}
	require.Equal(m.t, n, m.queue.Len())
}

func (m *queueModel) pop() {
	for i := ops.Levels - 1; i >= 0; i-- {
		if l := m.levels[i]; len(l) > 0 {
			require.Equal(m.t, l[0], *m.queue.Peek())
			require.Equal(m.t, l[0], m.queue.Pop())
			m.levels[i] = l[1:]
			return
		}
	}
	require.Nil(m.t, m.queue.Peek())
}

func (m *queueModel) empty() {
	for m.queue.Len() > 0 {
		m.pop()
	}
	for _, l := range m.levels {
		require.Empty(m.t, l)
	}
}

func TestQueueAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	m := queueModel{t: t}
	for range 20000 {
		m.step(rng.IntN(16), rng.IntN(100))
	}
	m.empty()
}

func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 17, 34, 6, 8, 8, 15, 8})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := queueModel{t: t}
		for _, b := range steps {
			m.step(int(b&15), int(b>>4))
		}
		m.empty()
	})
}
