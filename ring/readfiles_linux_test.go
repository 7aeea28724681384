package ring_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// manyFiles makes n files of growing size, of which every seventh is missing, and
// returns their paths.
func manyFiles(t testing.TB, n int) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i)))
		if i%7 != 0 {
			require.NoError(t, os.WriteFile(paths[i], content(i), 0o600))
		}
	}
	return paths
}

func content(i int) []byte { return []byte(strings.Repeat(fmt.Sprint(i), i%1000)) }

func TestReadFiles(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		n := 1000
		if testing.Short() {
			n = 150
		}
		paths := manyFiles(t, n)
		for _, cfg := range []ring.ReadFilesConfig{{}, {InFlight: 1}, {InFlight: 128, Buffer: 100, Priority: ops.High}, {Buffer: 1},
			{Parallel: 3}, {InFlight: 1, Buffer: 100, Parallel: 2}, {InFlight: 20, Parallel: 10}} {
			r := newRing(ring.Config{})
			seen := map[int]bool{}
			for f, err := range r.ReadFiles(t.Context(), slices.Values(paths), cfg) {
				require.False(t, seen[f.Index])
				seen[f.Index] = true
				require.Equal(t, paths[f.Index], f.Path)
				if f.Index%7 == 0 {
					require.ErrorIs(t, err, os.ErrNotExist)
					require.ErrorContains(t, err, f.Path)
				} else {
					require.NoError(t, err)
					require.Equal(t, string(content(f.Index)), string(f.Data))
				}
			}
			assert.Len(t, seen, len(paths))
			stillWorks(t, r)
		}
	})
}

// Other completions go to Wait, and none of the files.
func TestReadFilesBesideOthers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		paths := manyFiles(t, 300)
		n := 0
		for range r.ReadFiles(t.Context(), slices.Values(paths), ring.ReadFilesConfig{}) {
			submit(t, r, ops.Nop().WithTag(n))
			n++
		}
		assert.Len(t, byTag(t, take(t, r, n)), len(paths))
	})
}

// Several goroutines read at a time, on a Ring that another one waits on.
func TestReadFilesConcurrently(t *testing.T) {
	needs(t, "6.0")
	readConcurrently(t, ring.Config{DirectFiles: 10}, ring.ReadFilesConfig{InFlight: 60})
}

// So it is where each of them has others help it.
func TestReadFilesConcurrentlyInParallel(t *testing.T) {
	needs(t, "6.0")
	readConcurrently(t, ring.Config{DirectFiles: 10}, ring.ReadFilesConfig{InFlight: 30, Parallel: 3})
}

// So it is where workers read the files.
func TestReadFilesConcurrentlyByHand(t *testing.T) {
	readConcurrently(t, ring.Config{}, ring.ReadFilesConfig{InFlight: 60}, uring.OpOpenat)
}

func readConcurrently(t *testing.T, ringCfg ring.Config, cfg ring.ReadFilesConfig, lacks ...uring.Op) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ringCfg)
		r.Forbid(lacks...)
		paths := manyFiles(t, 500)
		var joins []func()
		for range 4 {
			joins = append(joins, during(t, func() {
				n := 0
				for f, err := range r.ReadFiles(t.Context(), slices.Values(paths), cfg) {
					n++
					if assert.Equal(t, f.Index%7 != 0, err == nil, "%v", err); err == nil {
						assert.Equal(t, string(content(f.Index)), string(f.Data))
					}
				}
				assert.Equal(t, len(paths), n)
			}))
		}
		assert.Empty(t, serve(t, r, func() {
			for _, join := range joins {
				join()
			}
		}))
	})
}

// However the loop is left, nothing stays under way.
func TestReadFilesLeft(t *testing.T) { leaveReadFiles(t, ring.ReadFilesConfig{}) }

// Nor does anybody else go on.
func TestReadFilesInParallelLeft(t *testing.T) {
	leaveReadFiles(t, ring.ReadFilesConfig{InFlight: 10, Parallel: 3})
}

func leaveReadFiles(t *testing.T, cfg ring.ReadFilesConfig) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		paths := manyFiles(t, 300)
		idle := func() {
			t.Helper()
			assert.Zero(t, r.Stats().Pending)
			stillWorks(t, r)
		}
		for range r.ReadFiles(t.Context(), slices.Values(paths), cfg) {
			break
		}
		idle()
		assert.Panics(t, func() {
			for range r.ReadFiles(t.Context(), slices.Values(paths), cfg) {
				panic("x")
			}
		})
		idle()
		assert.Panics(t, func() {
			bad := func(yield func(string) bool) { panic(yield(paths[1])) }
			for range r.ReadFiles(t.Context(), bad, cfg) {
			}
		})
		idle()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		var last error
		for _, err := range r.ReadFiles(ctx, endless(paths), cfg) {
			if n++; n == 400 {
				cancel()
			}
			last = err
		}
		assert.ErrorIs(t, last, context.Canceled)
		idle()
	})
}

func endless(paths []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(paths[1]) {
		}
	}
}

// A file that does not answer does not keep a cancelled loop.
func TestReadFilesBlocked(t *testing.T) { readBlocked(t) }

// So it is where workers read the files.
func TestReadFilesBlockedByHand(t *testing.T) { readBlocked(t, uring.OpOpenat) }

func readBlocked(t *testing.T, lacks ...uring.Op) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		r.Forbid(lacks...)
		path := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, unix.Mkfifo(path, 0o600))
		wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		closeAtEnd(t, wr)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for f, err := range r.ReadFiles(ctx, slices.Values([]string{path, "/dev/null", path}), ring.ReadFilesConfig{}) {
			if n++; n == 1 {
				require.NoError(t, err)
				assert.Equal(t, "/dev/null", f.Path)
				time.AfterFunc(moment, cancel)
				continue
			}
			require.ErrorIs(t, err, context.Canceled)
		}
		assert.Equal(t, 2, n)
		stillWorks(t, r)
	})
}

// Files stay in their places while the loop runs, and not after it. A request of its
// own that finds one there and cannot open another closes it.
func TestReadFilesAreClosed(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		path := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, unix.Mkfifo(path, 0o600))
		isOpen := func() bool {
			wr, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err == nil {
				_ = unix.Close(wr)
			}
			return err != unix.ENXIO // nobody has it open for reading
		}
		isClosed := func() bool { return !isOpen() }
		loop := func(body func()) {
			wr, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
			require.NoError(t, err)
			write(t, wr, "content")
			for f, err := range r.ReadFiles(t.Context(), slices.Values([]string{path}), ring.ReadFilesConfig{InFlight: 1}) {
				require.NoError(t, err)
				assert.Equal(t, "content", string(f.Data))
				require.NoError(t, unix.Close(wr))
				assert.True(t, isOpen())
				body()
			}
			// Kernels before 6.12 let go of it a little later.
			require.Eventually(t, isClosed, patience, moment)
		}
		loop(func() {})
		loop(func() {
			fails(t, r, ops.ReadFile(path+"x", make([]byte, 1)), unix.ENOENT, path+"x")
			require.Eventually(t, isClosed, patience, moment)
		})
		loop(func() {
			do(t, r, ops.ReadFile("/dev/null", make([]byte, 1)))
			require.Eventually(t, isClosed, patience, moment)
		})
		stillWorks(t, r)
	})
}

func TestReadFilesErrors(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		var errs []error
		for f, err := range r.ReadFiles(t.Context(), slices.Values([]string{"", "/dev/null"}), ring.ReadFilesConfig{}) {
			errs = append(errs, err)
			assert.NotEmpty(t, f.Index == 0 || f.Path != "")
		}
		require.Len(t, errs, 2)
		assert.ErrorIs(t, errs[0], ops.ErrInvalid)
		assert.NoError(t, errs[1])
		for _, cfg := range []ring.ReadFilesConfig{{InFlight: -1}, {Buffer: -1}, {Priority: 100}, {Parallel: -1}, {Parallel: 65}} {
			for _, err := range r.ReadFiles(t.Context(), slices.Values([]string{"x"}), cfg) {
				assert.ErrorIs(t, err, ops.ErrInvalid)
			}
		}
		require.NoError(t, r.Close())
		n := 0
		for _, err := range r.ReadFiles(t.Context(), slices.Values([]string{"x", "y"}), ring.ReadFilesConfig{}) {
			assert.ErrorIs(t, err, ops.ErrClosed)
			n++
		}
		assert.Equal(t, 1, n)
	})
}

// A Ring with little room is no obstacle.
func TestReadFilesInLittleRoom(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		paths := manyFiles(t, 100)
		for _, cfg := range []ring.Config{{Capacity: 3}, {InFlight: 1}, {Entries: 4}} {
			n := 0
			for f, err := range newRing(cfg).ReadFiles(t.Context(), slices.Values(paths), ring.ReadFilesConfig{}) {
				require.Equal(t, f.Index%7 != 0, err == nil, "%v", err)
				n++
			}
			assert.Equal(t, len(paths), n)
		}
	})
}

// A file that has filled its buffer, and that no worker can read again since the Ring is
// full by then, is not taken for shorter than it is.
func TestReadFilesFullMeanwhile(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 4})
		dir := t.TempDir()
		paths := []string{filepath.Join(dir, "small"), filepath.Join(dir, "large")}
		require.NoError(t, os.WriteFile(paths[0], []byte("s"), 0o600))
		require.NoError(t, os.WriteFile(paths[1], make([]byte, 10_000), 0o600))
		var dst [4]ops.Completion
		for f, err := range r.ReadFiles(t.Context(), slices.Values(paths), ring.ReadFilesConfig{InFlight: 2, Buffer: 4096}) {
			if f.Path == paths[1] {
				if err == nil {
					require.Len(t, f.Data, 10_000)
				} else {
					require.ErrorIs(t, err, ops.ErrFull)
					require.ErrorContains(t, err, f.Path)
				}
				continue
			}
			require.NoError(t, err)
			for r.Stats().Pending != 0 { // the large one has filled its buffer by then
				_, err := r.Wait(dst[:], 0, 0)
				require.NoError(t, err)
			}
			for err == nil {
				_, err = r.Post("in the way", ops.Normal)
			}
			require.ErrorIs(t, err, ops.ErrFull)
		}
	})
}
