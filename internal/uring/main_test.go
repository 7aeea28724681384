//go:build linux

package uring

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/testkit"
)

// TestMain runs the sandbox children, and fails when a ring's descriptor or
// mapping outlives the tests.
func TestMain(m *testing.M) {
	if os.Getenv(sandboxEnv) != "" {
		os.Exit(sandboxChild())
	}
	code := m.Run()
	if fds := ringFDs("self"); len(fds) > 0 {
		fmt.Println("leaked ring descriptors:", fds)
		code = 1
	}
	if maps, _ := os.ReadFile("/proc/self/maps"); bytes.Contains(maps, []byte("[io_uring]")) {
		fmt.Printf("leaked ring mappings:\n%s", maps)
		code = 1
	}
	os.Exit(code)
}

// ringFDs returns the descriptors of process pid that are rings.
func ringFDs(pid string) (fds []string) {
	entries, _ := os.ReadDir("/proc/" + pid + "/fd")
	for _, e := range entries {
		if target, _ := os.Readlink("/proc/" + pid + "/fd/" + e.Name()); strings.Contains(target, "[io_uring]") {
			fds = append(fds, e.Name())
		}
	}
	return fds
}

// newRing sets a ring up and closes it at the end of the test.
func newRing(t testing.TB, o Options) *Ring {
	t.Helper()
	r, err := Setup(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// onOwnThread runs f on a thread of its own, which dies afterwards. A failed
// requirement in f ends f alone.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the runtime ends the thread
		f()
	}()
	<-done
}

// pinned runs f with an owned ring on a thread of its own.
func pinned(t testing.TB, o Options, f func(r *Ring)) {
	t.Helper()
	o.Pinned = true
	onOwnThread(func() {
		r, err := Setup(o)
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		f(r)
	})
}

// push stages e.
func push(t testing.TB, r *Ring, e SQE) {
	t.Helper()
	slot := r.SQ.Next()
	require.NotNil(t, slot, "submission queue is full")
	*slot = e
}

// submit enters with all that is staged and waits for n completions.
func submit(t testing.TB, r *Ring, n uint32) {
	t.Helper()
	want := r.SQ.Publish()
	got, err := r.Enter(want, n, EnterGetEvents, -1, 0)
	require.NoError(t, err)
	require.EqualValues(t, want, got)
}

// await returns the next completion, within ten seconds.
func await(t testing.TB, r *Ring) CQE {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if c := r.CQ.Peek(); c != nil {
			out := *c
			r.CQ.Advance(1)
			return out
		}
		_, err := r.Enter(0, 1, 0, time.Until(end), 0)
		if err != ErrInterrupted {
			require.NoError(t, err)
		}
	}
	require.FailNow(t, "no completion within ten seconds")
	return CQE{}
}

// needsTags skips what waits to be told that a resource was let go. On 5.10, 6.1 and
// 6.12 that comes a second late at best, and has been seen not to come.
func needsTags(t testing.TB) {
	t.Helper()
	if !testkit.KernelHas("6.13") {
		t.Skip("needs Linux 6.13")
	}
}

// do submits e and returns its completion.
func do(t testing.TB, r *Ring, e SQE) CQE {
	t.Helper()
	push(t, r, e)
	submit(t, r, 0)
	return await(t, r)
}

// needs skips a test on kernels where a register call does not exist.
func needs(t testing.TB, since string, err error) {
	t.Helper()
	errno, ok := errnoOf(err)
	if ok && (errno == syscall.EINVAL || errno == syscall.EOPNOTSUPP) && !testkit.KernelHas(since) {
		t.Skipf("needs Linux %s: %v", since, err)
	}
	require.NoError(t, err)
}

func errnoOf(err error) (errno syscall.Errno, ok bool) {
	for err != nil {
		if errno, ok = err.(syscall.Errno); ok {
			return errno, true
		}
		u, is := err.(interface{ Unwrap() error })
		if !is {
			return 0, false
		}
		err = u.Unwrap()
	}
	return 0, false
}
