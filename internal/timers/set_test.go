package timers

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

// Arrays of them that lie across no cache line but where they must: see chunk.
func TestTimersAreSmall(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes are those of 64-bit systems")
	}
	require.EqualValues(t, 32, unsafe.Sizeof(Timer[int]{}))
	require.EqualValues(t, 48*chunkSize, unsafe.Sizeof(chunk[int]{}))
	var s Set[int]
	timer, _ := s.Alloc()
	require.Zero(t, uintptr(unsafe.Pointer(timer))%64)
}

func TestSetNames(t *testing.T) {
	var s Set[int]
	seen := map[uint64]bool{}
	for round := range 3 {
		var names []uint64
		for i := range 600 {
			_, name := s.Alloc()
			require.False(t, seen[name])
			require.True(t, IsName(name))
			require.Zero(t, name>>63)
			seen[name] = true
			s.SetTag(name, i+round)
			names = append(names, name)
		}
		require.Equal(t, 600, s.Len())
		all := 0
		for name, timer := range s.All {
			require.Same(t, timer, s.Get(name))
			all++
		}
		require.Equal(t, 600, all)
		for i, name := range names {
			require.Equal(t, i+round, s.Tag(name))
			s.Free(name)
			require.Nil(t, s.Get(name))
		}
	}
	require.Zero(t, s.Len())
	require.Nil(t, s.Get(0))
	require.Nil(t, s.Get(^uint64(0)))
}

// The generation wraps within its bits.
func TestSetGenerations(t *testing.T) {
	var s Set[int]
	timer, _ := s.Alloc()
	timer.word |= generationMask << indexBits
	name := timer.name(0)
	require.True(t, IsName(name))
	s.Free(name)
	_, name = s.Alloc()
	require.Equal(t, uint64(timerBit), name)
}

// Warm takes any timer in use, also one that never was in a Wheel.
func TestSetWarmsAny(t *testing.T) {
	var s Set[int]
	var names []uint64
	for range 3 {
		for range chunkSize {
			_, name := s.Alloc()
			names = append(names, name)
		}
		s.Warm(names)
		for _, name := range names {
			s.WarmSlot(name)
			s.Free(name)
		}
		names = names[:0]
	}
}

// A tag goes with its timer, and is not kept reachable.
func TestSetTags(t *testing.T) {
	var s Set[int]
	_, name := s.Alloc()
	require.Nil(t, s.Tag(name))
	s.SetTag(name, "tag")
	require.Equal(t, "tag", s.Tag(name))
	s.Free(name)
	require.Nil(t, *s.tag(uint32(name & indexMask)))
	_, name = s.Alloc()
	require.Nil(t, s.Tag(name))
}

// What a Timer packs into a word does not mix.
func TestTimerBits(t *testing.T) {
	var s Set[int]
	timer, name := s.Alloc()
	timer.SetState(0xff)
	require.Equal(t, ops.Normal, timer.Priority())
	for p := ops.Lowest; p <= ops.Highest; p++ {
		timer.SetPriority(p)
		require.Equal(t, p, timer.Priority())
	}
	for _, p := range []place{left, listed, due, nowhere} {
		timer.setPlace(p)
		require.Equal(t, p, timer.place())
	}
	s.SetTag(name, 1)
	require.EqualValues(t, 0xff, timer.State())
	require.Same(t, timer, s.Get(name))
	require.False(t, timer.Is(name, 0xff), "it is in no wheel")
	NewWheel(&s, 0).Add(name, 5)
	require.True(t, timer.Is(name, 0xff))
	require.False(t, timer.Is(name, 0))
	require.False(t, timer.Is(name+1<<indexBits, 0xff))
	timer.Extra = new(int)
	require.False(t, timer.Is(name, 0xff))
	require.Nil(t, s.Slot(chunkSize))
}
