package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// entry takes the first entry off an archive.
func entry(t *testing.T, text string) (name, content, rest string) {
	t.Helper()
	require.Greater(t, len(text), 110)
	require.Equal(t, "070701", text[:6])
	field := func(i int) (n int) {
		for _, c := range text[6+8*i : 14+8*i] {
			n = n*16 + strings.IndexRune("0123456789ABCDEF", c)
		}
		return n
	}
	round := func(n int) int { return (n + 3) &^ 3 }
	size, length := field(6), field(11)
	begin := round(110 + length)
	return text[110 : 110+length-1], text[begin : begin+size], text[begin+round(size):]
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	require.NoError(t, os.MkdirAll(filepath.Join(tree, "t", "ring"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tree, "t", "ring", "test"), []byte("binary"), 0o755))
	require.NoError(t, os.Symlink("busybox", filepath.Join(tree, "sh")))
	require.NoError(t, packTree(tree, filepath.Join(dir, "base")))
	text, err := os.ReadFile(filepath.Join(dir, "base"))
	require.NoError(t, err)
	got := map[string]string{}
	for rest := string(text); rest != ""; {
		var name, content string
		name, content, rest = entry(t, rest)
		got[name] = content
	}
	assert.Equal(t, map[string]string{"sh": "busybox", "t": "", "t/ring": "", "t/ring/test": "binary", "TRAILER!!!": ""}, got)

	s := setting{tree: tree, flags: []string{"-test.short", "-test.skip", "Slow"}, env: []string{"A=b"}}
	work, err := s.job(newKernel("7.0=portable"))
	require.NoError(t, err)
	require.Len(t, work.Commands, 6)
	last := work.Commands[5]
	assert.Equal(t, "ring", last.Name)
	assert.Equal(t, "/t/ring", last.Dir)
	assert.Equal(t, "/t/ring/test", last.Args[0])
	assert.Contains(t, last.Args, "-test.short")
	assert.Equal(t, []string{"A=b", "SLUICE_ENGINE=portable"}, last.Env)
	old, err := s.job(newKernel("5.10"))
	require.NoError(t, err)
	assert.Len(t, old.Commands, 3, "no such sysctl there")
	assert.Equal(t, []string{"A=b"}, old.Commands[2].Env)
	assert.Equal(t, "Slow", last.Args[len(last.Args)-1])
	assert.Equal(t, "Slow|^Example", old.Commands[2].Args[len(last.Args)-1])

	require.NoError(t, packJob(work, filepath.Join(dir, "job")))
	require.NoError(t, concatenate(filepath.Join(dir, "both"), []string{filepath.Join(dir, "base"), filepath.Join(dir, "job")}))
	both, err := os.ReadFile(filepath.Join(dir, "both"))
	require.NoError(t, err)
	name, content, _ := entry(t, strings.TrimPrefix(string(both), string(text)))
	assert.Equal(t, job.Path, "/"+name)
	assert.Contains(t, content, `"Name":"ring"`)
}
