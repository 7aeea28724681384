package locks_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// patience is how long tests wait for what should happen soon, on a busy machine.
const patience = 30 * time.Second

// TestMain runs the helper processes, and fails when something outlives the tests.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(testkit.Main(m))
}

// newRing returns a Ring that the end of the test closes.
func newRing(t testing.TB, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// newFile returns the path of a file with some bytes in it.
func newFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, make([]byte, 64), 0o600))
	return path
}

// open returns a descriptor of its own for the file, until the end of the test.
func open(t testing.TB, path string) int {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return int(f.Fd())
}

// do performs a request that must succeed.
func do(t testing.TB, r *ring.Ring, req ops.Request) ops.Completion {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := r.Do(ctx, req)
	require.NoError(t, err)
	return c
}

// submit submits a request that must be accepted.
func submit(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Submit(req)
	require.NoError(t, err)
	return id
}

// wait returns the next completion, which must come.
func wait(t testing.TB, r *ring.Ring) ops.Completion {
	t.Helper()
	var dst [1]ops.Completion
	_, err := r.Wait(dst[:], 1, patience)
	require.NoError(t, err)
	return dst[0]
}

// pending checks that no completion comes for a while.
func pending(t testing.TB, r *ring.Ring) {
	t.Helper()
	var dst [1]ops.Completion
	n, err := r.Wait(dst[:], 1, 30*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout)
	require.Zero(t, n)
}

// eventually waits until ok reports true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "%s", what)
	}
}
