package slots

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableIsBounded(t *testing.T) {
	for _, capacity := range []int{1, 2, chunkSize, chunkSize + 1, 1000} {
		table := New[int](capacity)
		var names []uint64
		for i := range capacity {
			require.Equal(t, capacity-i, table.Room())
			v, name := table.Alloc()
			require.NotNil(t, v)
			*v = i
			names = append(names, name)
		}
		v, name := table.Alloc()
		assert.Nil(t, v)
		assert.Zero(t, name)
		assert.Zero(t, table.Room())
		assert.Equal(t, capacity, table.Len())
		for i, name := range names {
			require.Equal(t, i, *table.Get(name))
			require.Equal(t, i, Index(name))
		}
		table.Free(names[0])
		v, name = table.Alloc()
		require.NotNil(t, v)
		assert.NotEqual(t, names[0], name)
		assert.Nil(t, table.Get(names[0]))
	}
	assert.Equal(t, MaxCapacity, func() int { table := New[int](1 << 30); return table.Room() }())
}

// A name whose value has gone finds nothing, however often the slot is reused,
// and no name is zero or has the topmost bit set (trap 17).
func TestNamesAreNotReused(t *testing.T) {
	table := New[int](1)
	seen := map[uint64]bool{}
	for range 10000 {
		_, name := table.Alloc()
		require.NotZero(t, name)
		require.Zero(t, name>>63)
		require.False(t, seen[name])
		seen[name] = true
		table.Free(name)
		require.Nil(t, table.Get(name))
	}
}

// At the end of the generations a name is reused, but never one of another kind.
func TestGenerationsWrap(t *testing.T) {
	table := New[int](1)
	_, name := table.Alloc()
	table.Free(name)
	table.chunks[0][0].name = nameMask // the last generation, and no other free slot
	_, last := table.Alloc()
	require.Equal(t, uint64(nameMask&^indexMask), last)
	table.Free(last)
	_, name = table.Alloc()
	require.Zero(t, name>>63)
	require.NotZero(t, name>>indexBits, "names of slot 0 would be zero")
	require.Nil(t, table.Get(last))
	require.NotNil(t, table.Get(name))
}

func TestGetOfStrangeNames(t *testing.T) {
	table := New[int](10)
	for _, name := range []uint64{0, 1, indexMask, nameMask, 1 << 63, ^uint64(0)} {
		require.Nil(t, table.Get(name))
	}
	_, name := table.Alloc()
	for _, other := range []uint64{0, name + 1, name - 1, name | 1<<63, name + 1<<indexBits, indexMask, ^uint64(0)} {
		require.Nil(t, table.Get(other), "%x", other)
	}
}

// Values stay where they are while the table grows.
func TestPointersHold(t *testing.T) {
	table := New[int](5 * chunkSize)
	v, name := table.Alloc()
	*v = 42
	for range 4 * chunkSize {
		table.Alloc()
	}
	assert.Same(t, v, table.Get(name))
	assert.Equal(t, 42, *v)
}

func TestAllMayFree(t *testing.T) {
	table := New[int](1000)
	for range 1000 {
		table.Alloc()
	}
	n := 0
	for name := range table.All {
		if n++; n%2 == 0 {
			table.Free(name)
		}
	}
	assert.Equal(t, 1000, n)
	assert.Equal(t, 500, table.Len())
	n = 0
	for range table.All {
		if n++; n == 7 {
			break
		}
	}
	assert.Equal(t, 7, n)
}

// Many slots are given back and taken at a time, more than are kept for that: names are
// those of Alloc and Free, and none is lost.
func TestManyAtATime(t *testing.T) {
	const capacity = 3*chunkSize + 1
	table := New[int](capacity)
	seen := map[uint64]bool{}
	var names []uint64
	note := func(v *int, name uint64) {
		require.Zero(t, *v)
		require.False(t, seen[name])
		seen[name] = true
		names = append(names, name)
		*v = len(names)
	}
	for range 10 {
		kept := table.Kept()
		for ; kept > 0; kept-- {
			note(table.Reuse(table.Latest(kept)))
		}
		table.SetKept(kept)
		require.Equal(t, len(names), table.Len())
		for table.Room() > 0 {
			note(table.Alloc())
		}
		for i, name := range names {
			require.Equal(t, i+1, *table.Get(name))
			*table.Get(name) = 0
		}
		for kept = table.Kept(); kept < Recent; kept++ {
			table.Drop(table.Find(names[kept]), names[kept], kept)
		}
		table.SetKept(kept)
		for _, name := range names[Recent:] {
			table.Free(name)
		}
		for _, name := range names {
			require.Nil(t, table.Get(name))
		}
		require.Equal(t, capacity, table.Room())
		names = names[:0]
	}
	for name := range table.All {
		require.Fail(t, "it is free", name)
	}
	require.Len(t, seen, 10*capacity)
}

// model is a Table as a map.
type model struct {
	t     *testing.T
	table Table[int]
	live  map[uint64]int
	names []uint64 // of live, in any order
	past  []uint64
	cap   int
	next  int
}

// step does one thing to both and compares them.
func (m *model) step(op, pick int) {
	switch {
	case op%8 < 4:
		v, name := m.table.Alloc()
		if len(m.live) == m.cap {
			require.Nil(m.t, v)
			return
		}
		require.NotNil(m.t, v)
		require.Zero(m.t, *v, "Free left it so")
		require.NotContains(m.t, m.live, name)
		m.next++
		*v = m.next
		m.live[name] = m.next
		m.names = append(m.names, name)
	case op%8 < 7:
		if len(m.names) == 0 {
			return
		}
		i := pick % len(m.names)
		name := m.names[i]
		*m.table.Get(name) = 0
		m.table.Free(name)
		delete(m.live, name)
		m.names[i] = m.names[len(m.names)-1]
		m.names = m.names[:len(m.names)-1]
		m.past = append(m.past, name)
	case pick%16 == 0: // it takes long
		m.compare()
	}
	require.Equal(m.t, len(m.live), m.table.Len())
	require.Equal(m.t, m.cap-len(m.live), m.table.Room())
}

func (m *model) compare() {
	all := map[uint64]int{}
	for name, v := range m.table.All {
		require.NotContains(m.t, all, name)
		all[name] = *v
	}
	require.Equal(m.t, m.live, all)
	for name, v := range m.live {
		require.Equal(m.t, v, *m.table.Get(name))
	}
	for _, name := range m.past[max(0, len(m.past)-100):] {
		require.Nil(m.t, m.table.Get(name))
	}
}

func newModel(t *testing.T, capacity int) *model {
	return &model{t: t, table: New[int](capacity), live: map[uint64]int{}, cap: capacity}
}

func TestTableAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, capacity := range []int{1, 3, 100, 3 * chunkSize} {
		m := newModel(t, capacity)
		for range 5000 {
			m.step(rng.IntN(8), rng.Int())
		}
		m.compare()
	}
}

func FuzzTable(f *testing.F) {
	f.Add(3, []byte{0, 0, 0, 0, 4, 7, 0})
	f.Add(300, []byte{0, 4, 0, 4, 0, 4, 7})
	f.Fuzz(func(t *testing.T, capacity int, steps []byte) {
		m := newModel(t, 1+(capacity&0x3ff))
		for _, b := range steps {
			m.step(int(b&7), int(b>>3))
		}
		m.compare()
	})
}
