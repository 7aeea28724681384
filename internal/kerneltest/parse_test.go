package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

const said = `
@@kerneltest {"Start":"ring"}
=== RUN   TestA
--- PASS: TestA (0.00s)
=== RUN   TestB
=== RUN   TestB/one
    b_test.go:7: needs Linux 6.7
=== RUN   TestB/two
    b_test.go:9: wrong
--- FAIL: TestB (0.01s)
    --- SKIP: TestB/one (0.00s)
    --- FAIL: TestB/two (0.00s)
=== RUN   Example
--- PASS: Example (0.00s)
FAIL

@@kerneltest {"End":{"Name":"ring","Status":1,"Trouble":"","Seconds":2.5}}
`

func TestRead(t *testing.T) {
	all, err := read(strings.NewReader(said + job.Event{Done: true}.Line() + "\r\n"))
	require.NoError(t, err)
	assert.True(t, all.done)
	require.Len(t, all.outcomes, 1)
	o := all.outcomes[0]
	assert.Equal(t, job.End{Name: "ring", Status: 1, Seconds: 2.5}, o.End)
	assert.Equal(t, []string{"TestA", "Example"}, o.Passed)
	assert.Equal(t, []string{"TestB/two"}, o.Failed)
	assert.Equal(t, map[string]string{"TestB/one": "needs Linux 6.7"}, o.Skipped)
	assert.Contains(t, failing(o), "    b_test.go:9: wrong")
	assert.NotContains(t, failing(o), "    b_test.go:7: needs Linux 6.7")
}

// A guest that ends too early has not passed, whatever it said before.
func TestReadOfAPanic(t *testing.T) {
	all, err := read(strings.NewReader(said + job.Event{Start: "locks"}.Line() + "\n=== RUN   TestC\n"))
	require.NoError(t, err)
	assert.False(t, all.done)
	require.Len(t, all.outcomes, 2)
	assert.Equal(t, "locks", all.outcomes[1].Name)
	assert.Equal(t, -1, all.outcomes[1].Status)
	assert.NotEmpty(t, all.outcomes[1].Trouble)
	_, err = read(strings.NewReader(job.Mark + "{"))
	assert.Error(t, err)
}
