package ring_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// stuck returns the path of a FIFO, the reading of which takes for ever.
func stuck(t *testing.T) (path string) {
	path = filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	closeAtEnd(t, wr)
	return path
}

// A file that does not answer holds up nobody else's, whoever reads it.
func TestReadFilesInParallelGoOn(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		paths := manyFiles(t, 300)
		fifo := stuck(t)
		paths[0], paths[70] = fifo, fifo
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := map[int]bool{}
		for f, err := range r.ReadFiles(ctx, slices.Values(paths), ring.ReadFilesConfig{InFlight: 2, Parallel: 2}) {
			if ctx.Err() != nil {
				require.ErrorIs(t, err, context.Canceled)
				continue
			}
			require.NotEqual(t, fifo, f.Path)
			require.Equal(t, f.Index%7 != 0, err == nil, "%v", err)
			assert.False(t, seen[f.Index])
			if seen[f.Index] = true; len(seen) == 298 {
				cancel()
			}
		}
		assert.Len(t, seen, 298)
		stillWorks(t, r)
	})
}

// A loop that waits for others alone ends with its context, and with its Ring.
func TestReadFilesInParallelEnds(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		paths := append([]string{"/dev/null", stuck(t)}, manyFiles(t, 40)...)
		for _, want := range []error{context.Canceled, ops.ErrClosed} {
			r := newRing(ring.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			end, closed := cancel, make(chan error, 1)
			if want == ops.ErrClosed {
				end = func() { closed <- r.Close() }
			} else {
				closed <- nil
			}
			n := 0
			var last error
			for f, err := range r.ReadFiles(ctx, slices.Values(paths), ring.ReadFilesConfig{InFlight: 1, Parallel: 2}) {
				if n++; n == 1 {
					assert.Zero(t, f.Index)
					time.AfterFunc(moment, end)
				}
				last = err
			}
			assert.ErrorIs(t, last, want)
			assert.NoError(t, <-closed)
		}
	})
}

// Closing the Ring in the loop ends it.
func TestReadFilesInParallelClosed(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		n := 0
		var last error
		for _, err := range r.ReadFiles(t.Context(), endless(manyFiles(t, 2)), ring.ReadFilesConfig{InFlight: 10, Parallel: 2}) {
			if n++; n == 300 {
				require.NoError(t, r.Close())
			}
			last = err
		}
		assert.ErrorIs(t, last, ops.ErrClosed)
	})
}

// Where no other Ring is to be had, the loop reads all itself.
func TestReadFilesInParallelAlone(t *testing.T) {
	needs(t, "6.0")
	testkit.Child(t, func() {
		paths := manyFiles(t, 300)
		r, err := ring.New(ring.Config{})
		require.NoError(t, err)
		defer closeRing(t, r)
		if isPortable(r) {
			return // it needs descriptors to read
		}
		do(t, r, ops.ReadFile("/dev/null", make([]byte, 1))) // makes their table
		setLimit(t, 3)
		defer setLimit(t, 1000)
		n := 0
		for f, err := range r.ReadFiles(t.Context(), slices.Values(paths), ring.ReadFilesConfig{Parallel: 4}) {
			require.Equal(t, f.Index%7 != 0, err == nil, "%v", err)
			n++
		}
		assert.Equal(t, len(paths), n)
	})
}
