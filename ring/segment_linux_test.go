package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// failing returns requests that fail, of operations after whose failure the
// kernel goes on with a chain, and of some others.
func failing(t testing.TB, r *ring.Ring) []ops.Request {
	rd, _ := pipe(t)
	fd, path := tempFile(t, "")
	none := path + ".none"
	lone := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	return []ops.Request{
		ops.Fsync(rd), ops.Fdatasync(rd), ops.Fallocate(rd, 0, 0, 1), ops.Ftruncate(rd, 5),
		ops.Statx(unix.AT_FDCWD, none, 0, 0, new(unix.Statx_t)), ops.SyncFileRange(rd, 0, 0, 1), ops.Madvise(nil, 9999),
		ops.Fadvise(rd, 0, 0, 0), ops.Shutdown(lone, unix.SHUT_RDWR),
		ops.Rename(none, path), ops.Unlink(none), ops.Rmdir(path), ops.Mkdir(path, 0), ops.Symlink("x", path), ops.Hardlink(none, path),
		ops.Getxattr(path, "user.none", nil), ops.Setxattr(path, "nowhere.x", nil, 0),
		ops.Fgetxattr(fd, "user.none", nil), ops.Fsetxattr(fd, "nowhere.x", nil, 0),
		ops.Open(none, unix.O_RDONLY, 0), ops.Close(noFD), ops.Read(noFD, nil, 0),
	}
}

// A failure ends a soft chain, whatever the operation: on several the kernel
// itself would go on, and rename what was not synced.
func TestChainEndsWithAnyFailure(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, req := range failing(t, r) {
			if !can(r, req.Code) {
				continue
			}
			group := ops.Chain(ops.Nop().WithTag(0), req.WithTag(1), ops.Nop().WithTag(2), ops.Fsync(0).WithTag(3))
			require.NoError(t, r.SubmitAll(group, nil))
			got := byTag(t, take(t, r, 4))
			for tag, want := range []syscall.Errno{0, syscall.Errno(-got[1].Res), syscall.ECANCELED, syscall.ECANCELED} {
				c := got[tag]
				assert.Equal(t, want, c.Errno(), "%v: member %d", req.Code, tag)
				assert.Equal(t, ops.NoCause, c.Cause)
			}
			assert.NotZero(t, got[1].Res, req.Code)

			// Hard links go on.
			require.NoError(t, r.SubmitAll(ops.HardChain(req.WithTag(1), ops.Nop().WithTag(2)), nil))
			got = byTag(t, take(t, r, 2))
			assert.NotZero(t, got[1].Res, req.Code)
			assert.Zero(t, got[2].Res, req.Code)
		}
	})
}

// The rest of a chain is started while its owner waits for several completions, of
// which others are far off.
func TestChainGoesOnWhileItsOwnerWaitsForSeveral(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		in, _ := pipe(t)
		fd, _ := tempFile(t, "")
		for range 3 {
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
		}
		submitAll(t, r, ops.Chain(ops.Fsync(fd), ops.Fsync(fd), ops.Nop()))
		for _, c := range take(t, r, 3) {
			require.NoError(t, c.Err())
		}
		_, err := r.CancelAll()
		require.NoError(t, err)
		take(t, r, 3)
	})
}

// The classic: write, sync, rename over the old file, sync the directory.
func TestChainReplacesFile(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "")
		dir := own(t, do(t, r, ops.Open(t.TempDir(), unix.O_DIRECTORY, 0)).FD())
		st := new(unix.Statx_t)
		group := ops.Chain(
			ops.Writev(fd, [][]byte{[]byte("new "), []byte("contents")}, 0), ops.Fdatasync(fd),
			ops.RenameAt(unix.AT_FDCWD, path, dir, "file", 0), ops.Fsync(dir),
			ops.Statx(dir, "file", 0, unix.STATX_SIZE, st), ops.Nop(),
		)
		for range 20 {
			require.NoError(t, r.SubmitAll(group, nil))
			for range group {
				c := next(t, r)
				assert.NoError(t, c.Err())
			}
			assert.EqualValues(t, 12, st.Size)
			do(t, r, ops.RenameAt(dir, "file", unix.AT_FDCWD, path, 0))
			*st = unix.Statx_t{}
		}
	})
}

// A member that waits behind such a one can be cancelled, and so can a chain that
// Close finds.
func TestChainHeldBackIsCanceled(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		fd, _ := tempFile(t, "")
		ids := make([]ops.ID, 4)
		chain := func() {
			group := ops.Chain(ops.Read(rd, make([]byte, 1), ops.Current).WithTag(0), ops.Fsync(fd).WithTag(1), ops.Nop().WithTag(2), ops.Nop().WithTag(3))
			require.NoError(t, r.SubmitAll(group, ids))
			waits(t, r)
		}
		chain()
		require.NoError(t, r.Cancel(ids[2]))
		waits(t, r)
		write(t, wr, "x")
		got := byTag(t, take(t, r, 4))
		for tag, want := range []error{nil, nil, ops.ErrCanceled, ops.ErrCanceled} {
			c := got[tag]
			assert.ErrorIs(t, c.Err(), want)
		}
		assert.Equal(t, [2]ops.Cause{ops.ByCancel, ops.NoCause}, [2]ops.Cause{got[2].Cause, got[3].Cause})

		chain()
		require.NoError(t, r.Cancel(ids[0]))
		for _, c := range take(t, r, 4) {
			assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		}
		chain()
		n, err := r.CancelAll()
		require.NoError(t, err)
		assert.Equal(t, 4, n)
		take(t, r, 4)
		chain() // and Close, at the end of the test
	})
}
