package ring_test

import (
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestOpFsync(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "text")
		dir := own(t, do(t, r, ops.Open(t.TempDir(), unix.O_DIRECTORY, 0)).FD())
		pathOnly := own(t, do(t, r, ops.Open(path, unix.O_PATH, 0)).FD())
		rd, wr := pipe(t)
		for _, sync := range []func(int) ops.Request{ops.Fsync, ops.Fdatasync} {
			do(t, r, ops.Write(fd, []byte("T"), 0))
			assert.Zero(t, do(t, r, sync(fd)).N())
			do(t, r, sync(dir))
			fails(t, r, sync(rd), syscall.EINVAL, onFD(rd))
			fails(t, r, sync(wr), syscall.EINVAL, onFD(wr))
			fails(t, r, sync(noFD), syscall.EBADF, onFD(noFD))
			fails(t, r, sync(pathOnly), syscall.EBADF, onFD(pathOnly))
		}
	})
}

// fallocate does what fallocate(2) does: the same sizes, blocks, bytes, errors.
func TestOpFallocateAsPlainCall(t *testing.T) {
	const keep, punch = unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE
	cases := []struct {
		mode        uint32
		off, length int64
	}{
		{0, 0, 100}, {0, 100_000, 1}, {keep, 50_000, 60_000},
		{punch | keep, 4096, 8192}, {punch | keep, 100, 200}, {punch | keep, 0, 1 << 30},
		{punch, 0, 4096},
		{unix.FALLOC_FL_ZERO_RANGE, 10, 100_000}, {unix.FALLOC_FL_ZERO_RANGE | keep, 10, 100_000},
		{unix.FALLOC_FL_COLLAPSE_RANGE, 4096, 4096}, {unix.FALLOC_FL_COLLAPSE_RANGE, 1, 4096},
		{unix.FALLOC_FL_INSERT_RANGE, 4096, 4096},
		{1 << 20, 0, 1}, {0, math.MaxInt64 - 10, 100}, {0, math.MaxInt64 - 10, 5},
	}
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		content := strings.Repeat("0123456789abcdef", 2048)
		for _, c := range cases {
			name := fmt.Sprintf("mode %#x, %d bytes at %d", c.mode, c.length, c.off)
			call, callPath := tempFile(t, content)
			ours, ourPath := tempFile(t, content)
			err := unix.Fallocate(call, c.mode, c.off, c.length)
			req := ops.Fallocate(ours, c.mode, c.off, c.length)
			if errno, bad := err.(syscall.Errno); bad {
				fails(t, r, req, errno, onFD(ours))
			} else {
				assert.Zero(t, do(t, r, req).N(), name)
			}
			require.Equal(t, contentOf(t, callPath), contentOf(t, ourPath), name)
			var want, got unix.Stat_t
			require.NoError(t, unix.Fsync(call))
			require.NoError(t, unix.Fsync(ours))
			require.NoError(t, unix.Fstat(call, &want))
			require.NoError(t, unix.Fstat(ours, &got))
			assert.Equal(t, want.Size, got.Size, name)
			assert.Equal(t, want.Blocks, got.Blocks, name)
		}
	})
}

func TestOpFallocateFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := tempFile(t, "text")
		rdonly := own(t, do(t, r, ops.Open(path, unix.O_RDONLY, 0)).FD())
		_, wr := pipe(t)
		fails(t, r, ops.Fallocate(rdonly, 0, 0, 10), syscall.EBADF, onFD(rdonly))
		fails(t, r, ops.Fallocate(wr, 0, 0, 10), syscall.ESPIPE, onFD(wr))
		fails(t, r, ops.Fallocate(noFD, 0, 0, 10), syscall.EBADF, onFD(noFD))
		for _, c := range [][2]int64{{-1, 10}, {0, 0}, {0, -1}} {
			_, err := r.Submit(ops.Fallocate(rdonly, 0, c[0], c[1]))
			assert.ErrorIs(t, err, ops.ErrInvalid)
			assert.Contains(t, err.Error(), "fallocate "+onFD(rdonly))
		}
	})
}

func TestOpFtruncate(t *testing.T) {
	needs(t, "6.9")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "0123456789")
		assert.Zero(t, do(t, r, ops.Ftruncate(fd, 4)).N())
		assert.Equal(t, "0123", contentOf(t, path))
		do(t, r, ops.Ftruncate(fd, 7))
		assert.Equal(t, "0123\x00\x00\x00", contentOf(t, path))
		do(t, r, ops.Ftruncate(fd, 1<<32))
		var st unix.Stat_t
		require.NoError(t, unix.Fstat(fd, &st))
		assert.EqualValues(t, int64(1)<<32, st.Size)
		do(t, r, ops.Ftruncate(fd, 0))
		assert.Empty(t, contentOf(t, path))

		rdonly := own(t, do(t, r, ops.Open(path, unix.O_RDONLY, 0)).FD())
		_, wr := pipe(t)
		fails(t, r, ops.Ftruncate(rdonly, 1), syscall.EINVAL, onFD(rdonly))
		fails(t, r, ops.Ftruncate(wr, 1), syscall.EINVAL, onFD(wr))
		fails(t, r, ops.Ftruncate(noFD, 1), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Ftruncate(fd, math.MaxInt64), syscall.EFBIG, onFD(fd))
		_, err := r.Submit(ops.Ftruncate(fd, -1))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}
