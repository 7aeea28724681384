package fallback_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestCallBringsCountAndError(t *testing.T) {
	r := newRing(t, ring.Config{})
	ctx := context.Background()
	c, err := r.Do(ctx, fallback.Call(func() (int, error) { return 42, nil }))
	require.NoError(t, err)
	require.Equal(t, 42, c.N())

	special := errors.New("special")
	_, err = r.Do(ctx, fallback.Call(func() (int, error) { return 7, special }))
	require.ErrorIs(t, err, special)
	require.EqualError(t, err, "call: special")

	c, err = r.Do(ctx, fallback.Call(func() (int, error) { return 0, &fs.PathError{Op: "open", Path: "x", Err: unix.ENOENT} }))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, unix.ENOENT, c.Errno())
	var path *fs.PathError
	require.ErrorAs(t, err, &path)

	for _, n := range []int{-1, math.MinInt32, math.MaxInt} {
		_, err = r.Do(ctx, fallback.Call(func() (int, error) { return n, nil }))
		if n != math.MaxInt32 { // it is MaxInt where an int has 32 bits
			require.ErrorIs(t, err, unix.EOVERFLOW)
		}
	}
	_, err = r.Do(ctx, fallback.Call(nil))
	require.ErrorIs(t, err, ops.ErrInvalid)
	_, err = r.Do(ctx, ops.Request{Code: ops.CodeCall, Arg: 3})
	require.ErrorIs(t, err, unix.EINVAL)
}

func TestValue(t *testing.T) {
	r := newRing(t, ring.Config{})
	c, err := r.Do(context.Background(), fallback.Value(func(context.Context) ([]string, error) { return []string{"a"}, nil }))
	require.NoError(t, err)
	v, err := fallback.ValueOf[[]string](&c)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, v)
	_, err = fallback.ValueOf[int](&c)
	require.ErrorIs(t, err, ops.ErrInvalid)
	c, _ = r.Do(context.Background(), fallback.Value(func(context.Context) (int, error) { return 1, unix.EPERM }))
	_, err = fallback.ValueOf[int](&c)
	require.ErrorIs(t, err, unix.EPERM)
	// An error is a value like others.
	c, err = r.Do(context.Background(), fallback.Value(func(context.Context) (error, error) { return unix.EPERM, nil }))
	require.NoError(t, err)
	e, err := fallback.ValueOf[error](&c)
	require.NoError(t, err)
	require.Equal(t, unix.EPERM, e)
}

// Panics, and functions that end their goroutine, become errors, and the Ring and
// its workers go on: trap 50.
func TestPanicBecomesAnError(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 1})
	for range 3 {
		_, err := r.Do(context.Background(), fallback.Call(func() (int, error) { panic("boom") }))
		var p *fallback.PanicError
		require.ErrorAs(t, err, &p)
		require.Equal(t, "boom", p.Value)
		require.Contains(t, string(p.Stack), "TestPanicBecomesAnError")
		require.ErrorContains(t, err, "boom")

		_, err = r.Do(context.Background(), fallback.Interruptible(func(context.Context) (int, error) { panic(unix.EFAULT) }))
		require.ErrorIs(t, err, unix.EFAULT)

		_, err = r.Do(context.Background(), fallback.Call(func() (int, error) { runtime.Goexit(); return 0, nil }))
		require.ErrorContains(t, err, "Goexit")

		_, err = r.Do(context.Background(), fallback.Call(nothing))
		require.NoError(t, err)
	}
	s := r.Workers()
	require.EqualValues(t, 6, s.Panicked)
	require.Equal(t, 1, s.Workers)
}

func TestCancelOfACall(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 1})
	ctx, cancel := context.WithCancel(context.Background())
	begun := make(chan bool)
	go func() { <-begun; cancel() }()
	_, err := r.Do(ctx, fallback.CallContext(func(ctx context.Context) (int, error) {
		close(begun)
		<-ctx.Done()
		return 0, ctx.Err()
	}))
	require.ErrorIs(t, err, context.Canceled)

	_, err = r.Do(context.Background(), fallback.CallContext(func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}).WithTimeout(5*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)

	// What it achieved counts, whenever that was.
	c, err := r.Do(context.Background(), fallback.CallContext(func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 5, nil
	}).WithTimeout(5*time.Millisecond))
	require.NoError(t, err)
	require.Equal(t, 5, c.N())
}

// A queued call ends at once, and its function never runs.
func TestCancelOfAQueuedCall(t *testing.T) {
	r := newRing(t, ring.Config{Workers: 1})
	release := make(chan bool)
	_, err := r.Submit(fallback.Call(func() (int, error) { <-release; return 0, nil }).WithTag("first"))
	require.NoError(t, err)
	id, err := r.Submit(fallback.Call(func() (int, error) { panic("it ran") }).WithTag("second"))
	require.NoError(t, err)
	require.NoError(t, r.Cancel(id))
	c := wait(t, r)
	require.Equal(t, "second", c.Tag)
	require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	close(release)
	c = wait(t, r)
	require.Equal(t, "first", c.Tag)
	require.NoError(t, c.Err())
}

func TestInterruptedCall(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("no interruptions here")
	}
	r := newRing(t, ring.Config{})
	var p [2]int
	require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	read := fallback.Interruptible(func(ctx context.Context) (int, error) {
		var b [1]byte
		for ctx.Err() == nil {
			if n, err := unix.Read(p[0], b[:]); err != unix.EINTR {
				return n, err
			}
		}
		return 0, unix.EINTR
	})
	_, err := r.Do(context.Background(), read.WithTimeout(5*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	id, err := r.Submit(read)
	require.NoError(t, err)
	time.Sleep(2 * time.Millisecond)
	require.NoError(t, r.Cancel(id))
	c := wait(t, r)
	require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	// Close interrupts as well: the end of the test would hang otherwise.
	_, err = r.Submit(read)
	require.NoError(t, err)
}
