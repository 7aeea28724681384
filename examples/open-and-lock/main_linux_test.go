package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain makes the test binary the program itself when it is told to.
func TestMain(m *testing.M) {
	if os.Getenv("OPEN_AND_LOCK") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// files makes n files and locks the last of them.
func files(t *testing.T, n int) (paths []string, unlock func()) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		paths = append(paths, filepath.Join(dir, fmt.Sprint("f", i)))
		require.NoError(t, os.WriteFile(paths[i], nil, 0o600))
	}
	f, err := os.Open(paths[n-1])
	require.NoError(t, err)
	require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_EX))
	return paths, func() { f.Close() }
}

func TestReport(t *testing.T) {
	paths, unlock := files(t, 50)
	defer unlock()
	var out bytes.Buffer
	missing := filepath.Join(t.TempDir(), "missing")
	err := run(context.Background(), append([]string{"-timeout", "50ms"}, append(paths, missing)...), &out)
	require.EqualError(t, err, "2 files not locked")
	require.Equal(t, 49, strings.Count(out.String(), "locked       "))
	require.Contains(t, out.String(), "still locked "+paths[49])
	require.Contains(t, out.String(), "failed       "+missing)
	require.Contains(t, out.String(), "49 of 51 files locked")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-timeout", "-1s", "file"}, {"-nonsense", "file"}} {
		cmd := exec.Command("/proc/self/exe", args...)
		cmd.Env = append(os.Environ(), "OPEN_AND_LOCK=1")
		said, err := cmd.CombinedOutput()
		var status *exec.ExitError
		require.ErrorAs(t, err, &status, "%q", args)
		require.Equal(t, 2, status.ExitCode())
		require.Contains(t, string(said), "open-and-lock [flags] FILE...")
	}
}

func TestInterrupt(t *testing.T) {
	paths, unlock := files(t, 3)
	defer unlock()
	var out, errs bytes.Buffer
	cmd := exec.Command("/proc/self/exe", append([]string{"-timeout", "1h"}, paths...)...)
	cmd.Env = append(os.Environ(), "OPEN_AND_LOCK=1")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = &errs
	require.NoError(t, cmd.Start())
	// Two locks are reported, then the third is waited for.
	line := make([]byte, 1)
	for strings.Count(out.String(), "\n") < 2 {
		_, err := stdout.Read(line)
		require.NoError(t, err)
		out.Write(line)
	}
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, err = out.ReadFrom(stdout)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Contains(t, out.String(), "interrupted  "+paths[2])
	require.Contains(t, out.String(), "2 of 3 files locked")
	require.Contains(t, errs.String(), "1 files not locked")
}
