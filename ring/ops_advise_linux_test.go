package ring_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// mapped returns memory of its own pages.
func mapped(t testing.TB, size int) []byte {
	t.Helper()
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, unix.Munmap(m)) })
	return m
}

// covers: madvise
func TestOpMadvise(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		page := os.Getpagesize()
		m := mapped(t, 4*page)
		copy(m[page:], "contents")
		c := do(t, r, ops.Madvise(m, unix.MADV_WILLNEED))
		assert.Empty(t, c.Bytes())
		assert.Equal(t, "contents", string(m[page:page+8]))
		do(t, r, ops.Madvise(m[page:2*page], unix.MADV_DONTNEED))
		assert.Equal(t, make([]byte, 8), m[page:page+8], "the page was not given up")
		do(t, r, ops.Madvise(nil, unix.MADV_DONTNEED))

		fails(t, r, ops.Madvise(m, 9999), syscall.EINVAL, "")
		fails(t, r, ops.Madvise(m[1:], unix.MADV_WILLNEED), syscall.EINVAL, "")
		gone, err := unix.Mmap(-1, 0, page, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON)
		require.NoError(t, err)
		require.NoError(t, unix.Mprotect(gone, unix.PROT_NONE))
		fails(t, r, ops.Madvise(gone, unix.MADV_POPULATE_READ), syscall.EINVAL, "") // it may not be read
		require.NoError(t, unix.Munmap(gone))
	})
}

// covers: fadvise
func TestOpFadvise(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "contents")
		for _, advice := range []int{
			unix.FADV_NORMAL, unix.FADV_SEQUENTIAL, unix.FADV_RANDOM, unix.FADV_WILLNEED, unix.FADV_DONTNEED, unix.FADV_NOREUSE,
		} {
			do(t, r, ops.Fadvise(fd, 0, 0, advice))
			do(t, r, ops.Fadvise(fd, 2, 1<<20, advice))
		}
		assert.Equal(t, "contents", contentOf(t, path))
		rd, _ := pipe(t)
		fails(t, r, ops.Fadvise(rd, 0, 0, unix.FADV_NORMAL), syscall.ESPIPE, onFD(rd))
		fails(t, r, ops.Fadvise(fd, 0, 0, 9999), syscall.EINVAL, onFD(fd))
		fails(t, r, ops.Fadvise(noFD, 0, 0, unix.FADV_NORMAL), syscall.EBADF, onFD(noFD))
		needs(t, "6.11")
		do(t, r, ops.Fadvise(fd, 0, 1<<33, unix.FADV_SEQUENTIAL))
	})
}

// covers: sync_file_range
func TestOpSyncFileRange(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "")
		const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
		do(t, r, ops.Write(fd, make([]byte, 1<<16), 0))
		for _, flags := range []int{0, unix.SYNC_FILE_RANGE_WRITE, all} {
			do(t, r, ops.SyncFileRange(fd, 0, 1<<12, flags))
			do(t, r, ops.SyncFileRange(fd, 1<<12, 0, flags))
		}
		assert.Len(t, contentOf(t, path), 1<<16)
		fails(t, r, ops.SyncFileRange(fd, 0, 0, 1<<8), syscall.EINVAL, onFD(fd))
		fails(t, r, ops.SyncFileRange(noFD, 0, 0, 0), syscall.EBADF, onFD(noFD))
		rd, _ := pipe(t)
		fails(t, r, ops.SyncFileRange(rd, 0, 0, all), syscall.ESPIPE, onFD(rd))
	})
}
