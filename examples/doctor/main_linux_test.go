package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// TestMain makes the test binary the program itself when it is told to.
func TestMain(m *testing.M) {
	if limits := os.Getenv("DOCTOR"); limits != "" {
		if limits == "low" {
			for resource, n := range map[int]uint64{unix.RLIMIT_NOFILE: 100, unix.RLIMIT_SIGPENDING: 10} {
				if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n}); err != nil {
					panic(err)
				}
			}
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// program runs doctor as a program of its own.
func program(t *testing.T, environment []string, args ...string) (out, errors string, err error) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(append(os.Environ(), "DOCTOR=yes"), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// engine returns what a Ring has here, which the report must agree with.
func engine(t *testing.T) ring.Info {
	t.Helper()
	r, err := ring.New(ring.Config{})
	require.NoError(t, err) // Auto always finds an engine on Linux
	defer func() { assert.NoError(t, r.Close()) }()
	return r.Info()
}

func TestText(t *testing.T) {
	info := engine(t)
	out, errors, err := program(t, nil)
	require.NoError(t, err, errors)
	assert.Contains(t, out, info.Kernel)
	assert.Contains(t, out, info.Engine.String()+": "+info.Reason)
	for _, o := range info.Operations {
		assert.Regexp(t, `(?m)^`+strings.ReplaceAll(o.Code.String(), "(", `\(`)+` +`+o.Route.String(), out)
	}
	for _, name := range []string{"RLIMIT_MEMLOCK", "RLIMIT_NOFILE", "RLIMIT_SIGPENDING",
		"kernel.io_uring_disabled", "io-wq workers", "kernel.threads-max"} {
		assert.Contains(t, out, "\n"+name+" ")
	}
}

func TestJSON(t *testing.T) {
	info := engine(t)
	out, errors, err := program(t, nil, "-json")
	require.NoError(t, err, errors)
	var report Report
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&report))
	assert.Equal(t, info.Kernel, report.Machine.Kernel)
	assert.NotZero(t, report.Machine.Memory)
	assert.Equal(t, info.Engine.String(), report.Engine.Name)
	assert.Len(t, report.Operations, len(info.Operations))
	assert.Equal(t, ops.CodeNop.String(), report.Operations[0].Name)
	for _, l := range report.Limits {
		assert.NotEmpty(t, l.For, l.Name)
		assert.NotEmpty(t, l.Change, l.Name)
	}
}

// A limit that is too low says what to do.
func TestLowLimit(t *testing.T) {
	out, errors, err := program(t, []string{"DOCTOR=low"})
	require.NoError(t, err, errors)
	assert.Regexp(t, `RLIMIT_NOFILE +100 +100 +\d+ +low: ulimit -n`, out)
	assert.Regexp(t, `RLIMIT_SIGPENDING +10 +10 .*low: ulimit -i`, out)
}

func TestTrouble(t *testing.T) {
	_, errors, err := program(t, []string{"SLUICE_ENGINE=nonsense"})
	assert.Error(t, err)
	assert.Contains(t, errors, `engine "nonsense"`)
	_, errors, err = program(t, nil, "operand")
	assert.Error(t, err)
	assert.Contains(t, errors, "no operands")
}
