//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Everything here runs the compiled program, as a user would.

var (
	executable string // the program
	tmp        string // for the files of all tests
)

// patience is how long anything may take that should take a moment.
const patience = time.Minute

func TestMain(m *testing.M) {
	if role := os.Getenv(helperRole); role != "" {
		os.Exit(helper(role, os.Args[1:]))
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	var err error
	if tmp, err = os.MkdirTemp("", "cat-and-proxy"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	_ = os.Chmod(tmp, 0o755)                                 // for the tests that run the program as somebody else
	if dir := os.Getenv("SLUICE_TEST_PROGRAMS"); dir != "" { // where there is no compiler
		executable = filepath.Join(dir, "cat-and-proxy")
		return m.Run()
	}
	executable = filepath.Join(tmp, "cat-and-proxy")
	args := []string{"build", "-o", executable}
	if raceEnabled {
		args = append(args, "-race")
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // not a second for each run
	}
	build := exec.Command("go", append(args, ".")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

// longOr returns long, and short in short tests.
func longOr(long, short int) int {
	if testing.Short() {
		return short
	}
	return long
}

// eachMode runs a test in both of the ring's modes of ownership, and on the portable
// engine, unless SLUICE_ENGINE names one.
func eachMode(t *testing.T, f func(t *testing.T, flags ...string)) {
	t.Run("shared", func(t *testing.T) { f(t) })
	t.Run("pinned", func(t *testing.T) { f(t, "-pinned") })
	if !testing.Short() && os.Getenv("SLUICE_ENGINE") == "" {
		t.Run("portable", func(t *testing.T) { f(t, "-engine", "portable") })
	}
}

// command returns the program with flags before its other arguments.
func command(flags []string, args ...string) *exec.Cmd {
	return exec.Command(executable, append(append([]string(nil), flags...), args...)...)
}

// buffer is a bytes.Buffer that a process writes to while the test looks.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// parallel runs f n times at the same time, and returns the first error.
func parallel(n int, f func(i int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() {
			if err := f(i); err != nil {
				err = fmt.Errorf("number %d: %w", i, err)
				errs <- err
				return
			}
			errs <- nil
		}()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
