package timers

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

// model is a Wheel, and what should be in it.
type model struct {
	t     *testing.T
	set   Set[int]
	w     *Wheel[int]
	in    map[uint64]ops.Instant
	seq   map[uint64]int // order of adding
	adds  int
	rough ops.Instant // what Next returned last while there were many
	gone  []uint64    // removed or left, and not freed yet
}

func newModel(t *testing.T, now ops.Instant) *model {
	m := &model{t: t, in: map[uint64]ops.Instant{}, seq: map[uint64]int{}}
	m.w = NewWheel(&m.set, now)
	return m
}

func (m *model) add(when ops.Instant) uint64 {
	_, name := m.set.Alloc()
	m.w.Add(name, when)
	m.in[name] = when
	m.adds++
	m.seq[name] = m.adds
	return name
}

func (m *model) remove(name uint64) {
	require.True(m.t, m.w.Remove(name))
	require.False(m.t, m.w.Remove(name))
	delete(m.in, name)
	if m.gone = append(m.gone, name); m.adds%3 == 0 {
		m.free()
	}
}

// leave is remove for a timer that stays in its list.
func (m *model) leave(name uint64) {
	timer := m.set.Slot(name)
	require.True(m.t, timer.Is(name, 0))
	m.w.Leave(timer, 0, 1)
	require.False(m.t, timer.Is(name, 0))
	require.False(m.t, m.w.Remove(name))
	require.Same(m.t, timer, m.set.Get(name))
	delete(m.in, name)
	if m.gone = append(m.gone, name); m.adds%7 == 0 {
		m.free()
	}
}

func (m *model) free() {
	m.set.Warm(m.gone)
	for _, name := range m.gone {
		m.w.Forget(name)
		m.set.Free(name)
		require.Nil(m.t, m.set.Get(name))
	}
	m.gone = m.gone[:0]
}

// move removes a timer and adds it again.
func (m *model) move(name uint64, when ops.Instant) {
	require.True(m.t, m.w.Remove(name))
	m.w.Add(name, when)
	m.in[name] = when
	m.adds++
	m.seq[name] = m.adds
}

// expire looks whether exactly those that are due come out, in order.
func (m *model) expire(now ops.Instant) {
	lastWhen, lastSeq := ops.Instant(-1), 0
	m.w.Expire(now, func(name uint64, _ *Timer[int]) {
		when, there := m.in[name]
		require.True(m.t, there)
		require.Equal(m.t, when, m.set.Get(name).When())
		require.LessOrEqual(m.t, when, now, "too early")
		require.GreaterOrEqual(m.t, when, lastWhen, "out of order")
		if when == lastWhen {
			require.Greater(m.t, m.seq[name], lastSeq, "not first in, first out")
		}
		lastWhen, lastSeq = when, m.seq[name]
		delete(m.in, name)
		m.set.Free(name)
	})
	least := ops.Never
	for _, when := range m.in {
		require.Greater(m.t, when, now, "left behind")
		least = min(least, when)
	}
	require.Equal(m.t, len(m.in), m.w.Len())
	next := m.w.Next()
	require.LessOrEqual(m.t, next, least)
	if len(m.in) > nextScan {
		m.rough = next
	} else if next != m.rough { // of so many it was the beginning of a slot, and may still be
		require.Equal(m.t, least, next)
	}
	if least != ops.Never { // an instant may itself be Never
		require.Less(m.t, next, ops.Never)
	}
}

func TestWheel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, span := range []int64{1, 50, 5_000, 1e6, 1e9, 1e12, 1 << 62} {
		now := ops.Instant(rng.Int64N(1 << 40))
		m := newModel(t, now)
		for range 2000 {
			switch rng.IntN(7) {
			case 6:
				for name := range m.in {
					m.leave(name)
					break
				}
			case 5:
				for name := range m.in {
					m.move(name, now.Add(time.Duration(rng.Int64N(span))))
					break
				}
			case 0:
				now = min(now.Add(time.Duration(rng.Int64N(max(span/50, 2)))), 1<<61)
				m.expire(now)
			case 1:
				for name := range m.in {
					m.remove(name)
					break
				}
			default:
				when := now.Add(time.Duration(rng.Int64N(span)))
				if rng.IntN(20) == 0 {
					when = now - ops.Instant(rng.Int64N(min(int64(now)+1, span)))
				}
				m.add(when)
				if next := m.w.Next(); next > when {
					t.Fatalf("next is %v with a timer at %v", next, when)
				}
			}
		}
		m.expire(ops.Never)
		m.free()
		require.Empty(t, m.in)
		require.Zero(t, m.set.Len())
	}
}

// Many that have left stay in their lists, and come out of any place in them.
func TestWheelIsLeftByMany(t *testing.T) {
	m := newModel(t, 1)
	rng := rand.New(rand.NewPCG(2, 2))
	for _, left := range []int{0, 1, 500} {
		var names []uint64
		for range 1000 {
			names = append(names, m.add(ops.Instant(rng.Int64N(5000)+10)))
		}
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names[left:] {
			m.leave(name)
		}
		if left != 1 {
			m.free()
		}
		m.expire(5)
		m.expire(2000)
		m.expire(6000)
		require.Empty(t, m.in)
		m.w.Expire(1, func(uint64, *Timer[int]) {}) // back
		m.free()
		require.Zero(t, m.set.Len())
	}
}

// A wheel that follows Next alone reaches every timer, and does not need many
// steps for it.
func TestWheelNextLeadsToAll(t *testing.T) {
	m := newModel(t, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 10_000
	for range n {
		m.add(ops.Instant(rng.Int64N(int64(time.Minute))))
	}
	m.add(ops.Never - 1)
	steps := 0
	for m.w.Len() != 0 {
		m.w.Expire(m.w.Next(), func(name uint64, _ *Timer[int]) { m.set.Free(name) })
		steps++
	}
	require.Less(t, steps, n+n/2)
}

// The clock may be set back, and then nothing fires before its time either.
func TestWheelTurnsBack(t *testing.T) {
	m := newModel(t, 1_000_000)
	for i := range 1000 {
		m.add(ops.Instant(1_000_000 + i*7919%100_000))
	}
	m.expire(1_050_000)
	m.expire(10)
	m.add(20)
	m.expire(15)
	m.expire(1_060_000)
	m.expire(1_055_000)
	m.expire(2_000_000)
	require.Empty(t, m.in)
}

// fire may do anything to other timers, also to those that are due with it.
func TestWheelChangesWhileFiring(t *testing.T) {
	var s Set[int]
	w := NewWheel(&s, 0)
	names := make([]uint64, 100)
	for i := range names {
		_, names[i] = s.Alloc()
		w.Add(names[i], 500)
	}
	fired := 0
	w.Expire(1000, func(name uint64, _ *Timer[int]) {
		fired++
		for i := range names {
			if names[i] == name {
				s.Free(name)
				if i+1 < len(names) {
					require.True(t, w.Remove(names[i+1]))
					if i%4 == 0 {
						s.Free(names[i+1])
						_, again := s.Alloc() // in the same place
						w.Add(again, 900)
					} else {
						w.Add(names[i+1], 2000)
					}
				}
				return
			}
		}
		s.Free(name)
	})
	require.Equal(t, 50+25, fired)
	require.Equal(t, 25, w.Len())
}

func FuzzWheel(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 100, 50, 7, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		m := newModel(t, 1)
		now := ops.Instant(1)
		for i := 0; i+1 < len(script); i += 2 {
			d := ops.Instant(1) << (script[i+1] % 62)
			d += ops.Instant(script[i+1])
			switch script[i] % 5 {
			case 0:
				if now < ops.Never-d {
					now += d
				}
				m.expire(now)
			case 1:
				for name := range m.in {
					m.remove(name)
					break
				}
			case 2:
				for name := range m.in {
					m.leave(name)
					break
				}
			case 3:
				m.add(now.Add(time.Duration(d)))
			default:
				m.add(max(0, now-d))
			}
		}
		m.expire(ops.Never)
		require.Empty(t, m.in)
	})
}
