package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

func routed(name, since, route string) job.Operation {
	return job.Operation{Name: name, Since: since, Route: route}
}

func judged(t *testing.T, found job.Capabilities, more ...*outcome) *kernel {
	t.Helper()
	text, err := json.Marshal(found)
	require.NoError(t, err)
	probe := &outcome{End: job.End{Name: probing}, Output: []string{"", string(text)}}
	k := &kernel{label: "x", transcript: &transcript{outcomes: append([]*outcome{probe}, more...), done: true}}
	k.judge()
	return k
}

func TestJudgeOfReleases(t *testing.T) {
	k := judged(t, job.Capabilities{Release: "6.6.1-cloud", Operations: []job.Operation{
		routed("old", "5.6", "native"), routed("broken", "6.6", "unavailable"), routed("new", "6.7", "emulated"), routed("early", "6.10", "native"), routed("ours", "", "emulated"),
	}})
	require.Len(t, k.problems, 1)
	assert.Contains(t, k.problems[0], "broken is unavailable on 6.6.1-cloud, but is said to be native since 6.6")
	assert.Equal(t, []string{"early (6.10)"}, k.early)
	assert.Equal(t, map[string]int{"native": 2, "emulated": 2, "unavailable": 1}, routesOf(k.found))
}

func TestJudgeOfOutcomes(t *testing.T) {
	fine := job.Capabilities{Release: "6.6"}
	bad := &outcome{End: job.End{Name: "ring", Status: 2}, Failed: []string{"TestX"}}
	empty := &outcome{End: job.End{Name: "locks"}}
	filtered := &outcome{End: job.End{Name: "ops"}, Output: []string{"testing: warning: no tests to run"}}
	other := &outcome{End: job.End{Name: forbidden}, Output: []string{`{"Engine":"iouring","Reason":"x"}`}}
	portable := &outcome{End: job.End{Name: forUsers}, Output: []string{"now INFO io_uring is not available: kernel.io_uring_disabled is 1",
		`{"Engine":"portable","Reason":"kernel.io_uring_disabled is 1"}`}}
	silent := &outcome{End: job.End{Name: forbidden}, Output: portable.Output[1:]}
	problems := strings.Join(judged(t, fine, bad, empty, filtered, other, portable, silent).problems, "\n")
	assert.Equal(t, 4, strings.Count(problems, "\n")+1, problems)
	for _, want := range []string{"TestX", "locks: no test ran", `the engine is "iouring"`, "both must name the sysctl"} {
		assert.Contains(t, problems, want)
	}
	assert.NotEmpty(t, judged(t, job.Capabilities{}).problems, "nothing is known")
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		release, since string
		want           bool
	}{{"6.12.43+deb13", "6.7", true}, {"6.7", "6.12", false}, {"7.0", "6.19", true}, {"5.10.0-46-cloud-amd64", "5.10", true}, {"5.9", "6.0", false}} {
		assert.Equal(t, c.want, atLeast(c.release, c.since), c)
	}
}
