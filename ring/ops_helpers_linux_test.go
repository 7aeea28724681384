package ring_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// eachRing runs f on a Ring of each engine and mode, and fails if a descriptor
// is left open.
func eachRing(t *testing.T, f func(t *testing.T, r *ring.Ring)) {
	eachMode(t, func(t *testing.T, newRing maker) {
		noLeaks(t)
		f(t, newRing(ring.Config{}))
	})
}

// noLeaks fails the test if descriptors are open at its end that were not at its
// beginning.
func noLeaks(t *testing.T) {
	t.Helper()
	rd, wr, err := os.Pipe() // the runtime opens its poller's descriptors once
	require.NoError(t, err)
	require.NoError(t, rd.Close())
	require.NoError(t, wr.Close())
	before := openFiles()
	t.Cleanup(func() {
		leaked := openFiles()
		maps.DeleteFunc(leaked, func(fd, file string) bool { return before[fd] == file })
		assert.Empty(t, leaked, "descriptors left open")
	})
}

// openFiles returns what each descriptor of the process refers to.
func openFiles() map[string]string {
	files := map[string]string{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		// The descriptor of the folder itself is closed by now.
		if file, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			files[e.Name()] = file
		}
	}
	return files
}

func isPortable(r *ring.Ring) bool { return r.Info().Engine == ring.Portable }

// do performs req, which must succeed.
func do(t testing.TB, r *ring.Ring, req ops.Request) *ops.Completion {
	t.Helper()
	c, err := try(t, r, req)
	require.NoError(t, err)
	return c
}

// try performs req.
func try(t testing.TB, r *ring.Ring, req ops.Request) (*ops.Completion, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := r.Do(ctx, req)
	require.NoError(t, ctx.Err(), "%v did not end", req.Code)
	if err != nil {
		assert.Negative(t, c.Res)
		assert.Equal(t, -1, c.FD())
		assert.Zero(t, c.N())
	}
	return &c, err
}

// fails performs req, which must fail with errno and say what failed on what.
func fails(t testing.TB, r *ring.Ring, req ops.Request, errno syscall.Errno, target string) {
	t.Helper()
	c, err := try(t, r, req)
	explains(t, err, req.Code, target, errno)
	assert.Equal(t, errno, c.Errno())
	assert.Equal(t, err, c.Err())
}

// explains checks an error's message, and that it matches want.
func explains(t testing.TB, err error, code ops.Code, target string, want error) {
	t.Helper()
	require.ErrorIs(t, err, want)
	text := code.String()
	if target != "" {
		text += " " + target
	}
	assert.Equal(t, fmt.Sprintf("%s: %v", text, want), err.Error())
}

// start submits req and sees that it does not complete.
func start(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Submit(req)
	require.NoError(t, err)
	waits(t, r)
	return id
}

// waits sees that nothing completes for a moment.
func waits(t testing.TB, r *ring.Ring) {
	t.Helper()
	var one [1]ops.Completion
	_, err := r.Wait(one[:], 1, 2*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout, "%v: %v", one[0].Code, one[0].Err())
}

// next returns the next completion.
func next(t testing.TB, r *ring.Ring) *ops.Completion {
	t.Helper()
	var one [1]ops.Completion
	_, err := r.Wait(one[:], 1, patience)
	require.NoError(t, err)
	return &one[0]
}

// finish returns the terminal completion of id, which must be the next one and a
// success.
func finish(t testing.TB, r *ring.Ring, id ops.ID) *ops.Completion {
	t.Helper()
	c := next(t, r)
	require.Equal(t, id, c.ID)
	require.False(t, c.More)
	require.NoError(t, c.Err())
	return c
}

// cancels starts req, which must block, and cancels it.
func cancels(t testing.TB, r *ring.Ring, req ops.Request, target string) {
	t.Helper()
	id := start(t, r, req)
	require.NoError(t, r.Cancel(id))
	canceled(t, r, id, req.Code, target)
}

// canceled takes the terminal completion of id, which Cancel ended.
func canceled(t testing.TB, r *ring.Ring, id ops.ID, code ops.Code, target string) {
	t.Helper()
	c := next(t, r)
	require.Equal(t, id, c.ID)
	assert.False(t, c.More)
	assert.Equal(t, ops.ByCancel, c.Cause)
	explains(t, c.Err(), code, target, ops.ErrCanceled)
	assert.ErrorIs(t, c.Err(), context.Canceled)
	assert.Equal(t, -1, c.FD())
	assert.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
}

// onFD is how errors name a descriptor.
func onFD(fd int) string { return fmt.Sprintf("fd %d", fd) }

// own closes fd when the test ends.
func own(t testing.TB, fd int) int {
	t.Helper()
	t.Cleanup(func() { assert.NoError(t, unix.Close(fd)) })
	return fd
}

// fillPipe writes to a pipe until it takes no more.
func fillPipe(t testing.TB, wr int) {
	t.Helper()
	require.NoError(t, unix.SetNonblock(wr, true))
	var err error
	for page := make([]byte, 4096); err == nil; {
		_, err = unix.Write(wr, page)
	}
	require.ErrorIs(t, err, syscall.EAGAIN)
	require.NoError(t, unix.SetNonblock(wr, false))
}

// tempFile returns a new file with that content, and its path.
func tempFile(t testing.TB, content string) (fd int, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	return own(t, fd), path
}

// contentOf returns what a file holds.
func contentOf(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// needsOps skips a test where a Ring cannot carry these operations out.
func needsOps(t testing.TB, r *ring.Ring, codes ...ops.Code) {
	t.Helper()
	for _, o := range r.Info().Operations {
		if o.Route == ring.Unavailable && slices.Contains(codes, o.Code) {
			t.Skipf("needs %v, Linux %s", o.Code, o.Since)
		}
	}
}

// some returns all of a list of cases, and a tenth of it, others each time, in
// short tests.
func some[T any](all []T) (chosen []T) {
	if !testing.Short() {
		return all
	}
	for i := rand.IntN(10); i < len(all); i += 10 {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// can reports whether a Ring can carry out an operation.
func can(r *ring.Ring, code ops.Code) bool {
	return r.Info().Operations[code-1].Route != ring.Unavailable
}

// needs skips a test on kernels without a native route for what it is about.
func needs(t testing.TB, since string) {
	t.Helper()
	if !testkit.KernelHas(since) {
		t.Skipf("needs Linux %s", since)
	}
}
