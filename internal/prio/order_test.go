package prio

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

func TestOrder(t *testing.T) {
	var o Order
	_, ok := o.Next(AllLevels)
	require.False(t, ok)
	for n, p := range []ops.Priority{ops.Low, ops.High, ops.Low, ops.Highest, ops.High, ops.Lowest} {
		o.Push(p, n)
	}
	o.PushFront(ops.High, 9)
	require.True(t, o.Remove(2))
	require.False(t, o.Remove(2))
	require.False(t, o.Remove(1000))
	n, ok := o.Next(AllLevels &^ From(ops.High))
	require.True(t, ok)
	require.Equal(t, 0, n)
	_, ok = o.Next(0)
	require.False(t, ok)
	for _, want := range []int{3, 9, 1, 4, 0, 5} {
		n, ok = o.Next(AllLevels)
		require.True(t, ok)
		require.Equal(t, want, n)
		o.Take(n)
	}
	require.Zero(t, o.Len())
	require.Zero(t, o.Filled())
}

// The first entry of every level goes after at most Patience + Levels - 1 others,
// whatever comes in at the other levels, and levels get what they can promise.
func TestOrderPatienceIsBounded(t *testing.T) {
	for _, patience := range []int{1, 2, 7, 64} {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Log("seed", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			o := Order{Patience: patience}
			var level [4096]int          // of each number
			var waited [ops.Levels]int   // Takes of others since the level's first could go
			free := make([]int, 0, 4096) // numbers not in the queue
			for n := range 4096 {
				free = append(free, n)
			}
			worst := 0
			for range 200_000 {
				for len(free) != 0 && (o.Len() < 50 || rng.IntN(2) == 0) {
					n := free[len(free)-1]
					free = free[:len(free)-1]
					p := ops.Priority(rng.IntN(ops.Levels)) + ops.Lowest
					if rng.IntN(3) != 0 {
						p = ops.Highest // keeps the others waiting
					}
					level[n] = p.Level()
					o.Push(p, n)
				}
				n, ok := o.Next(AllLevels)
				require.True(t, ok)
				for l := range waited {
					if l == level[n] || o.filled>>l&1 == 0 {
						waited[l] = 0
						continue
					}
					waited[l]++
					worst = max(worst, waited[l])
				}
				o.Take(n)
				free = append(free, n)
			}
			require.LessOrEqual(t, worst, patience+ops.Levels-1)
			require.GreaterOrEqual(t, worst, patience, "nothing has aged: the test shows nothing")
		})
	}
}

func TestOrderWithoutPatience(t *testing.T) {
	var o Order
	o.Push(ops.Normal, 0)
	for n := range 10_000 {
		o.Push(ops.High, n+1)
		next, _ := o.Next(AllLevels)
		require.Equal(t, n+1, next)
		o.Take(next)
	}
}

// Entries that cannot go do not lose their claim.
func TestOrderClosedLevelsAge(t *testing.T) {
	o := Order{Patience: 10}
	o.Push(ops.Low, 0)
	for n := range 20 {
		o.Push(ops.High, n+1)
	}
	for range 12 {
		next, _ := o.Next(From(ops.Normal))
		require.NotZero(t, next)
		o.Take(next)
	}
	require.Equal(t, From(ops.Low)&^From(ops.Normal), o.Overdue())
	next, _ := o.Next(AllLevels)
	require.Zero(t, next)
	o.Take(next)
	require.Zero(t, o.Overdue())
}

// An Order without patience behaves as one slice per level does.
func FuzzOrder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 0x80, 0x81, 0x47})
	f.Fuzz(func(t *testing.T, script []byte) {
		var o Order
		var model [ops.Levels][]int
		in := map[int]int{} // number: level
		for i, b := range script {
			l := int(b) % ops.Levels
			p := ops.Priority(l) + ops.Lowest
			switch _, there := in[i%32]; {
			case there:
				o.Remove(i % 32)
				at := in[i%32]
				model[at] = slices.DeleteFunc(model[at], func(n int) bool { return n == i%32 })
				delete(in, i%32)
			case b >= 0x80:
				o.PushFront(p, i%32)
				model[l], in[i%32] = slices.Insert(model[l], 0, i%32), l
			default:
				o.Push(p, i%32)
				model[l], in[i%32] = append(model[l], i%32), l
			}
		}
		for l := ops.Levels - 1; l >= 0; l-- {
			for _, want := range model[l] {
				n, ok := o.Next(AllLevels)
				require.True(t, ok)
				require.Equal(t, want, n)
				o.Take(n)
			}
		}
		require.Zero(t, o.Len())
	})
}
