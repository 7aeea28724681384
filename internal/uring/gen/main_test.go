package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// zconst.go is what table.txt gives; else run go generate.
func TestGeneratedFileIsCurrent(t *testing.T) {
	groups, err := parse(table)
	require.NoError(t, err)
	want, err := generate(groups)
	require.NoError(t, err)
	have, err := os.ReadFile("../zconst.go")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(have))
}

// Operations are numbered without a gap, and flags of a group do not overlap.
func TestTableIsSound(t *testing.T) {
	groups, err := parse(table)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, g := range groups {
		assert.NotEmpty(t, g.man, g.prefix)
		for _, c := range g.consts {
			name := g.prefix + goName(c.name)
			assert.False(t, names[name], "%s twice", name)
			names[name] = true
		}
	}
	assert.Len(t, groups[0].consts, 65)
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{"NOP 0 5.1", "[Op]", "[Op] X y=1", "[Op] X\nNOP zero 5.1", "[Op] X\nNOP 0", "[Op] X\nNOP 0 later"} {
		_, err := parse(bad)
		assert.Error(t, err, bad)
	}
}
