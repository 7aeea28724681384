package ring_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// What statx brings by path is what statx(2) brings, every field of it.
func TestOpStatxAsPlainCall(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		root := plant(t)
		dir := own(t, do(t, r, ops.Open(root, unix.O_DIRECTORY, 0)).FD())
		masks := []int{unix.STATX_BASIC_STATS, unix.STATX_ALL, unix.STATX_SIZE, unix.STATX_BTIME, 0}
		for _, path := range []string{"file", "dir", "link", "up", "fifo", "dir/inner", root + "/file", "/dev/null", "/"} {
			for _, flags := range []int{0, unix.AT_SYMLINK_NOFOLLOW, unix.AT_STATX_DONT_SYNC, unix.AT_STATX_FORCE_SYNC} {
				for _, mask := range masks {
					want, got := new(unix.Statx_t), new(unix.Statx_t)
					require.NoError(t, unix.Statx(dir, path, flags, mask, want))
					c := do(t, r, ops.Statx(dir, path, flags, mask, got))
					assert.Equal(t, want, got, path)
					assert.Same(t, got, c.Arg)
					assert.Empty(t, c.Bytes())
				}
			}
		}
	})
}

// By descriptor, statx works on every kind.
func TestOpStatxFD(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		root := plant(t)
		rd, wr := pipe(t)
		a, b := unixPair(t, unix.SOCK_STREAM)
		fds := []int{rd, wr, a, b}
		for _, flags := range []int{unix.O_RDONLY, unix.O_PATH} {
			fds = append(fds, own(t, do(t, r, ops.Open(root+"/file", flags, 0)).FD()))
		}
		fds = append(fds, own(t, do(t, r, ops.Open(root+"/link", unix.O_PATH|unix.O_NOFOLLOW, 0)).FD()))
		for _, fd := range fds {
			want, got := new(unix.Statx_t), new(unix.Statx_t)
			require.NoError(t, unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, want))
			do(t, r, ops.StatxFD(fd, 0, unix.STATX_BASIC_STATS, got))
			assert.Equal(t, want, got)
		}
	})
}

func TestOpStatxAsStat(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "twelve bytes")
		require.NoError(t, os.Chtimes(path, time.Unix(1234567890, 12345), time.Unix(987654321, 54321)))
		require.NoError(t, os.Chmod(path, 0o4751))
		info, err := os.Stat(path)
		require.NoError(t, err)
		sys := info.Sys().(*syscall.Stat_t)
		for _, req := range []ops.Request{
			ops.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BASIC_STATS, new(unix.Statx_t)),
			ops.StatxFD(fd, 0, unix.STATX_BASIC_STATS, new(unix.Statx_t)),
		} {
			st := do(t, r, req).Arg.(*unix.Statx_t)
			assert.EqualValues(t, info.Size(), st.Size)
			assert.EqualValues(t, sys.Mode, st.Mode)
			assert.EqualValues(t, sys.Ino, st.Ino)
			assert.EqualValues(t, sys.Nlink, st.Nlink)
			assert.EqualValues(t, sys.Blocks, st.Blocks)
			assert.EqualValues(t, sys.Dev, unix.Mkdev(st.Dev_major, st.Dev_minor))
			assert.Equal(t, []uint32{sys.Uid, sys.Gid}, []uint32{st.Uid, st.Gid})
			assert.True(t, info.ModTime().Equal(time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec))))
		}
	})
}

func TestOpStatxFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		root, st := plant(t), new(unix.Statx_t)
		const basic = unix.STATX_BASIC_STATS
		none := root + "/none"
		fails(t, r, ops.Statx(unix.AT_FDCWD, none, 0, basic, st), syscall.ENOENT, none)
		fails(t, r, ops.Statx(unix.AT_FDCWD, root+"/loop", 0, basic, st), syscall.ELOOP, root+"/loop")
		fails(t, r, ops.Statx(unix.AT_FDCWD, root+"/file/x", 0, basic, st), syscall.ENOTDIR, root+"/file/x")
		fails(t, r, ops.Statx(noFD, "file", 0, basic, st), syscall.EBADF, "file")
		fails(t, r, ops.Statx(unix.AT_FDCWD, root, 1<<30, basic, st), syscall.EINVAL, root)
		fails(t, r, ops.StatxFD(noFD, 0, basic, st), syscall.EBADF, onFD(noFD))
		_, err := try(t, r, ops.Statx(unix.AT_FDCWD, none, 0, basic, st))
		assert.ErrorIs(t, err, os.ErrNotExist)
		for _, req := range []ops.Request{
			ops.Statx(unix.AT_FDCWD, root, 0, basic, nil),
			ops.Statx(unix.AT_FDCWD, "", 0, basic, st),
		} {
			_, err := r.Submit(req)
			assert.ErrorIs(t, err, ops.ErrInvalid)
			assert.Contains(t, err.Error(), "statx: ")
		}
	})
}
