package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// doc/operations.md is what the sources give; else run go generate.
func TestTableIsCurrent(t *testing.T) {
	want, err := generate(os.DirFS("../.."))
	require.NoError(t, err)
	have, err := os.ReadFile("../../doc/operations.md")
	require.NoError(t, err)
	assert.True(t, string(want) == string(have), "doc/operations.md is out of date: run go generate")
}

// Each operation has a constructor, tests and an example; each opcode without an
// operation has a reason.
func TestTableIsComplete(t *testing.T) {
	tree, err := scan(os.DirFS("../.."))
	require.NoError(t, err)
	require.Len(t, tree.codes, ops.Codes)
	for i, name := range tree.codes[1:] {
		code := ops.Code(i + 1)
		assert.NotEmpty(t, tree.constructors[name], "%v has no constructor", code)
		assert.NotEmpty(t, tree.testsOf(code.String(), tree.constructors[name]), "%v has no test", code)
		for _, c := range tree.constructors[name] {
			method := c[strings.LastIndex(c, "."):]
			shown := tree.examples[c] || strings.Count(c, ".") == 2 && tree.examples[method]
			assert.True(t, shown, "no example uses %s", c)
		}
	}
	for name := range waits {
		assert.Contains(t, tree.codes, name)
	}
	for op := range uring.OpLast + 1 {
		used := false
		for code := range ops.Code(ops.Codes) {
			o, native := uring.Opcode(code)
			used = used || native && o == op
		}
		assert.True(t, used || aside[uring.OpName(op)] != "", "%s has neither an operation nor a reason", uring.OpName(op))
	}
}
