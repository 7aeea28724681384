package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/kerneltest/job"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// doc/kernels.md comes from a run that takes minutes, so only its list of
// operations is held against the sources: else run .ci/kernels.
func TestDocNamesTheOperations(t *testing.T) {
	text, err := os.ReadFile("../../doc/kernels.md")
	require.NoError(t, err)
	_, part, found := strings.Cut(string(text), "\n## Operations\n")
	require.True(t, found)
	part, _, _ = strings.Cut(part, "\n## ")
	stated := map[string]string{}
	for line := range strings.Lines(part) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && !strings.HasPrefix(cells[1], "-") {
			stated[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	delete(stated, "operation")
	want := map[string]string{}
	for code := ops.CodeInvalid + 1; code.Valid(); code++ {
		want[code.String()] = uring.Since(code)
	}
	assert.Equal(t, want, stated, "doc/kernels.md is out of date: run .ci/kernels")
}

func TestWriteDoc(t *testing.T) {
	keep := t.TempDir()
	kernelOf := func(label, route string, skipped map[string]string) *kernel {
		return &kernel{label: label,
			transcript: &transcript{outcomes: []*outcome{{End: job.End{Name: "a"}, Passed: []string{"TestA"}, Skipped: skipped}}},
			found: job.Capabilities{
				Release: label + ".1", Features: []string{"NODROP"},
				Flags:      map[string][]string{"shared": {"CLAMP"}, "pinned": {"CLAMP", "SINGLE_ISSUER"}},
				Operations: []job.Operation{routed("read", "5.6", "native"), routed("bind", "6.11", route)},
			}}
	}
	require.NoError(t, kernelOf("6.1", "emulated", map[string]string{"TestB/iouring": "needs a|b"}).summary().save(keep))
	require.NoError(t, kernelOf("6.12", "native", nil).summary().save(keep))
	probed := kernelOf("6.12", "native", nil)
	probed.outcomes = nil
	require.NoError(t, probed.summary().save(keep), "the count of tests stays")
	require.NoError(t, kernelOf("6.12=portable", "native", map[string]string{"TestC": "x"}).summary().save(keep))
	file := keep + "/doc"
	s := setting{keep: keep, doc: file}
	require.NoError(t, s.tabulate(t.Context(), []string{"6.1", "6.12"}))
	require.Error(t, s.tabulate(t.Context(), []string{"6.1", "7.0"}), "it did not run")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, line := range []string{
		"| 6.1 | 6.1.1 | 1 | 1 |  |  | 1 | 1 | 0 |", "| 6.12 | 6.12.1 | 1 | 0 | 1 | 1 | 2 | 0 | 0 |",
		"| 6.1 | CLAMP | SINGLE_ISSUER | NODROP |", "| 6.12 | CLAMP | SINGLE_ISSUER |  |",
		"| read | 5.6 | 6.1 |  |", "| bind | 6.11 | 6.12 | emulated |", `| needs a\|b | 6.1 | TestB |`,
	} {
		assert.Contains(t, string(text), line+"\n")
	}
}
