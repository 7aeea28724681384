package uring

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// words are the shared words of a queue without a kernel.
type words struct{ head, tail, flags, dropped uint32 }

func fakeSQ(w *words, n int) *SQ {
	return NewSQ(&w.head, &w.tail, &w.flags, &w.dropped, make([]SQE, n), nil)
}

func TestSQFillsAndDrains(t *testing.T) {
	for _, start := range []uint32{0, 1, math.MaxUint32 - 2, math.MaxUint32} {
		w := &words{head: start, tail: start}
		q := fakeSQ(w, 4)
		require.EqualValues(t, 4, q.Entries())
		for i := range uint64(4) {
			require.EqualValues(t, 4-i, q.Space())
			e := q.Next()
			require.NotNil(t, e)
			e.UserData = i
			assert.Equal(t, start, w.tail, "nothing is published yet")
		}
		assert.Nil(t, q.Next())
		assert.EqualValues(t, 4, q.Unsubmitted())
		assert.EqualValues(t, 4, q.Publish())
		assert.Equal(t, start+4, w.tail)

		w.head += 3 // the kernel takes three
		assert.EqualValues(t, 1, q.Publish(), "what was left behind is counted again")
		assert.EqualValues(t, 3, q.Space())
		assert.Same(t, &q.sqes[start&3], q.Next())
	}
}

func TestSQNextReloadsHeadOnlyWhenFull(t *testing.T) {
	w := &words{}
	q := fakeSQ(w, 2)
	q.Next()
	q.Next()
	w.head = 2
	require.NotNil(t, q.Next())
	assert.EqualValues(t, 2, q.cached)
	w.head = 3
	require.NotNil(t, q.Next())
	assert.EqualValues(t, 2, q.cached, "there was space, so the shared word was not read")
}

func TestSQFlags(t *testing.T) {
	w := &words{dropped: 3}
	q := fakeSQ(w, 1)
	assert.False(t, q.NeedsFlush() || q.Overflowed() || q.TaskRun())
	w.flags = SQFlagNeedWakeup
	assert.False(t, q.NeedsFlush())
	w.flags = SQFlagCQOverflow
	assert.True(t, q.NeedsFlush() && q.Overflowed() && !q.TaskRun())
	w.flags = SQFlagTaskRun
	assert.True(t, q.NeedsFlush() && !q.Overflowed() && q.TaskRun())
	assert.EqualValues(t, 3, q.Dropped())
}

func TestSQFillsIdentityArrayOnce(t *testing.T) {
	w, array := &words{}, make([]uint32, 8)
	q := NewSQ(&w.head, &w.tail, &w.flags, &w.dropped, make([]SQE, 8), array)
	assert.Equal(t, []uint32{0, 1, 2, 3, 4, 5, 6, 7}, array)
	array[0] = 77
	q.Next()
	q.Publish()
	assert.EqualValues(t, 77, array[0])
}

func TestQueuesRefuseOddSizes(t *testing.T) {
	w := &words{}
	for _, n := range []int{0, 3, 6, 100} {
		assert.Panics(t, func() { fakeSQ(w, n) })
		assert.Panics(t, func() { NewCQ(&w.head, &w.tail, &w.flags, make([]CQE, n)) })
	}
}

func TestCQBatch(t *testing.T) {
	for _, start := range []uint32{0, 5, math.MaxUint32 - 1, math.MaxUint32} {
		w := &words{head: start, tail: start, dropped: 2}
		cqes := make([]CQE, 4)
		q := NewCQ(&w.head, &w.tail, &w.dropped, cqes)
		assert.Nil(t, q.Peek())
		assert.Zero(t, q.Ready())
		for i := range uint32(3) {
			cqes[(start+i)&3] = CQE{UserData: uint64(i) + 10}
		}
		w.tail += 3
		require.EqualValues(t, 3, q.Ready())
		assert.EqualValues(t, 10, q.Peek().UserData)
		assert.EqualValues(t, 12, q.At(2).UserData)
		q.Advance(2)
		assert.Equal(t, start+2, w.head)
		assert.EqualValues(t, 12, q.Peek().UserData)
		q.Advance(1)
		assert.Nil(t, q.Peek())
		assert.EqualValues(t, 4, q.Entries())
		assert.EqualValues(t, 2, q.Overflow())
	}
}
