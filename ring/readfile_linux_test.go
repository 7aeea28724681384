package ring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestReadFile(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		require.NoError(t, os.WriteFile(path, []byte("content"), 0o600))
		buf := make([]byte, 100)
		c := do(t, r, ops.ReadFile(path, buf).WithTag("tag"))
		assert.Equal(t, "content", string(c.Bytes()))
		assert.Equal(t, "tag", c.Tag)
		assert.False(t, c.More)
		assert.Equal(t, "con", string(do(t, r, ops.ReadFile(path, buf[:3])).Bytes()))
		assert.Zero(t, do(t, r, ops.ReadFile(path, nil)).N())
		dirfd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		assert.Equal(t, "content", string(do(t, r, ops.ReadFileAt(own(t, dirfd), "file", buf)).Bytes()))
		fails(t, r, ops.ReadFile(path+"x", buf), syscall.ENOENT, path+"x")
		fails(t, r, ops.ReadFile(dir, buf), syscall.EISDIR, dir)
		fails(t, r, ops.ReadFile(path+"/x", buf), syscall.ENOTDIR, path+"/x")
		_, err = r.Submit(ops.ReadFile("", buf))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		err = r.SubmitAll(ops.Chain(ops.ReadFile(path, buf), ops.Nop()), nil)
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// More requests than there are places wait for their turn, and each gets what is
// its own; those that failed leave no place taken.
func TestReadFileMany(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, cfg := range []ring.Config{{}, {Entries: 4}, {InFlight: 3}, {Entries: 8, InFlight: 200}} {
			r := newRing(cfg)
			dir := t.TempDir()
			n := 500
			if testing.Short() {
				n = 50
			}
			for i := range n {
				if i%5 == 0 {
					continue
				}
				require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(fmt.Sprintf("content of %d", i)), 0o600))
			}
			for range 2 {
				for i := range n {
					queue(t, r, ops.ReadFile(filepath.Join(dir, fmt.Sprint(i)), make([]byte, 32)).
						WithTag(i).WithPriority(ops.Priority(i%3)))
				}
				for _, c := range byTag(t, take(t, r, n)) {
					if i := c.Tag.(int); i%5 == 0 {
						require.ErrorIs(t, c.Err(), os.ErrNotExist)
					} else {
						require.Equal(t, fmt.Sprintf("content of %d", i), string(c.Bytes()))
					}
				}
			}
			stillWorks(t, r)
		}
	})
}

// Cancelled while it reads, or a deadline passes, the file is closed all the same.
func TestReadFileCancelled(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		path := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, unix.Mkfifo(path, 0o600))
		// A writer that exists before, so that reading waits.
		wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		req := ops.ReadFile(path, make([]byte, 10))
		cancels(t, r, req, path)
		_, err = try(t, r, req.WithTimeout(time.Millisecond))
		explains(t, err, ops.CodeReadFile, path, ops.ErrTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = r.Do(ctx, req)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		id := start(t, r, req)
		write(t, wr, "after all")
		assert.Equal(t, "after all", string(finish(t, r, id).Bytes()))
		require.NoError(t, unix.Close(wr))
		// Kernels before 6.12 let go of it a little later.
		require.Eventually(t, func() bool {
			wr, err = unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err == nil {
				_ = unix.Close(wr)
			}
			return err == unix.ENXIO
		}, patience, moment, "somebody has it open for reading")
	})
}

// Requests that wait for a place end at once when they are cancelled.
func TestReadFileCancelledInTheQueue(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		path := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, unix.Mkfifo(path, 0o600))
		wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		closeAtEnd(t, wr)
		const n = 300
		for range n {
			queue(t, r, ops.ReadFile(path, make([]byte, 10)))
		}
		waits(t, r)
		all, err := r.CancelAll()
		require.NoError(t, err)
		assert.Equal(t, n, all)
		for _, c := range take(t, r, n) {
			require.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
		stillWorks(t, r)
		for range n {
			queue(t, r, ops.ReadFile(path, make([]byte, 10)))
		}
		waits(t, r)
		require.NoError(t, r.Close())
		for _, c := range drain(t, r) {
			require.ErrorIs(t, c.Err(), ops.ErrClosed)
		}
	})
}

// When the thread that submitted it exits, the request goes on by another. (trap 1)
func TestReadFileOutlivesItsThread(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{DirectFiles: 1})
		path := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, unix.Mkfifo(path, 0o600))
		wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		closeAtEnd(t, wr)
		onDyingThread(t, func() {
			_, err := r.Submit(ops.ReadFile(path, make([]byte, 10)))
			assert.NoError(t, err)
		})
		waits(t, r)
		write(t, wr, "x")
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		assert.Equal(t, "x", string(c.Bytes()))
	})
}

func TestReadFileNeedsRoom(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 2})
		_, err := r.Submit(ops.ReadFile("/dev/null", nil))
		require.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "raise Config.Entries")
		stillWorks(t, r)
	})
}

func TestReadFilePathsAreUsedAgain(t *testing.T) {
	var p ops.FilePath
	require.NoError(t, p.Set("a"))
	assert.Equal(t, "a", p.String())
	for _, bad := range []string{"", "a\x00b", strings.Repeat("a", 5000)} {
		require.ErrorIs(t, p.Set(bad), ops.ErrInvalid)
		req := ops.ReadFilePath(unix.AT_FDCWD, &p, nil)
		require.ErrorIs(t, req.Validate(), ops.ErrInvalid)
	}
	require.NoError(t, p.Set("b"))
	assert.Equal(t, "b\x00", string(p.Bytes()))
}
