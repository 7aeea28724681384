package prio

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
)

func TestListOrder(t *testing.T) {
	require.Equal(t, ops.Levels, Top)
	var l List[string]
	nodes := map[string]*Node[string]{}
	push := func(level int, v string) {
		nodes[v] = &Node[string]{Value: v}
		l.Push(level, nodes[v])
	}
	push(2, "c")
	push(0, "e")
	push(2, "d")
	push(Top, "a")
	push(4, "b")
	push(2, "x")
	l.Remove(nodes["x"])
	require.False(t, nodes["x"].Listed())
	for _, want := range []string{"a", "b", "c", "d", "e"} {
		n := l.First()
		require.Equal(t, want, n.Value)
		l.Remove(n)
	}
	require.Nil(t, l.First())
	require.Zero(t, l.Len())
}
