package uring

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzQueues drives both queues with a stream of moves, plays the kernel, and
// compares with a model made of plain slices. start places the indices, also
// just before they wrap through 2^32.
func FuzzQueues(f *testing.F) {
	f.Add(uint32(0), uint8(2), []byte{0, 0, 0, 1, 2, 3, 4, 5})
	f.Add(uint32(math.MaxUint32-3), uint8(3), []byte("\x00\x08\x10\x18\x20\x01\x82\x83\x04\x05"))
	f.Add(uint32(math.MaxUint32), uint8(0), []byte{0, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, start uint32, size uint8, moves []byte) {
		m := newModel(t, start, 1<<(size%6))
		for _, move := range moves {
			m.step(move%6, uint32(move/6))
			m.compare()
		}
	})
}

// model is what the queues should hold.
type model struct {
	t         *testing.T
	sqw, cqw  words
	sq        *SQ
	cq        *CQ
	staged    []uint64 // handed out, not published
	published []uint64 // published, not consumed
	completed []uint64 // posted, not reaped
	serial    uint64
	n         uint32
}

func newModel(t *testing.T, start uint32, n int) *model {
	m := &model{t: t, n: uint32(n)}
	m.sqw = words{head: start, tail: start}
	m.cqw = m.sqw
	m.sq = fakeSQ(&m.sqw, n)
	m.cq = NewCQ(&m.cqw.head, &m.cqw.tail, &m.cqw.dropped, make([]CQE, n))
	return m
}

func (m *model) step(move byte, count uint32) {
	switch move {
	case 0:
		m.next()
	case 1:
		m.published = append(m.published, m.staged...)
		m.staged = nil
		require.EqualValues(m.t, len(m.published), m.sq.Publish())
	case 2:
		m.kernel(count)
	case 3, 4:
		m.reap(count)
	case 5:
		require.EqualValues(m.t, m.n-uint32(len(m.staged)+len(m.published)), m.sq.Space())
	}
}

func (m *model) next() {
	e := m.sq.Next()
	if uint32(len(m.staged)+len(m.published)) == m.n {
		require.Nil(m.t, e)
		return
	}
	require.NotNil(m.t, e)
	m.serial++
	*e = SQE{UserData: m.serial}
	m.staged = append(m.staged, m.serial)
}

// kernel consumes up to count entries and completes each, as far as there is room.
func (m *model) kernel(count uint32) {
	for ; count > 0 && m.sqw.head != m.sqw.tail && m.cqw.tail-m.cqw.head < m.n; count-- {
		e := &m.sq.sqes[m.sqw.head&(m.n-1)]
		require.Equal(m.t, m.published[0], e.UserData)
		m.sqw.head++
		m.cq.cqes[m.cqw.tail&(m.n-1)] = CQE{UserData: e.UserData}
		m.cqw.tail++
		m.completed = append(m.completed, e.UserData)
		m.published = m.published[1:]
	}
}

func (m *model) reap(count uint32) {
	count = min(count, m.cq.Ready())
	for i := range count {
		require.Equal(m.t, m.completed[i], m.cq.At(i).UserData)
	}
	m.cq.Advance(count)
	m.completed = m.completed[count:]
}

func (m *model) compare() {
	require.EqualValues(m.t, len(m.staged)+len(m.published), m.sq.Unsubmitted())
	require.EqualValues(m.t, len(m.completed), m.cq.Ready())
	if e := m.cq.Peek(); len(m.completed) == 0 {
		require.Nil(m.t, e)
	} else {
		require.Equal(m.t, m.completed[0], e.UserData)
	}
}
