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

// How transfers from and to registered memory fail, and that a cancel ends their
// waits.
func TestFixedTransfersEnd(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{})
		for _, flags := range []int{0, unix.O_NONBLOCK} {
			rd, wr := pipe2(t, flags)
			b := lendFor(t, p)
			parts := []ops.Fixed{b.Slice(0, 5), b.Slice(5, 10)}
			fails(t, r, ops.ReadFixed(wr, b, ops.Current), syscall.EBADF, onFD(wr))
			fails(t, r, ops.WriteFixed(rd, b, ops.Current), syscall.EBADF, onFD(rd))
			cancels(t, r, ops.ReadFixed(rd, b, ops.Current), onFD(rd))
			require.NoError(t, unix.SetNonblock(wr, true))
			for err := error(nil); err == nil; {
				_, err = unix.Write(wr, make([]byte, 4096))
			}
			require.NoError(t, unix.SetNonblock(wr, flags != 0))
			cancels(t, r, ops.WriteFixed(wr, b, ops.Current), onFD(wr))
			if can(r, ops.CodeReadvFixed) {
				fails(t, r, ops.ReadvFixed(wr, parts, ops.Current), syscall.EBADF, onFD(wr))
				fails(t, r, ops.WritevFixed(rd, parts, ops.Current), syscall.EBADF, onFD(rd))
				cancels(t, r, ops.WritevFixed(wr, parts, ops.Current), onFD(wr))
				rd, _ := pipe2(t, flags)
				cancels(t, r, ops.ReadvFixed(rd, parts, ops.Current), onFD(rd))
			}
		}
	})
}

// How a multishot read ends.
func TestReadMultiEnds(t *testing.T) {
	needs(t, "6.7")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 8})
		file, _ := tempFile(t, "contents")
		rd, wr := pipe(t)
		for fd, errno := range map[int]syscall.Errno{file: syscall.EBADFD, noFD: syscall.EBADF, wr: syscall.EBADF} {
			id := submit(t, r, ops.ReadMulti(fd, g))
			c := next(t, r)
			assert.Equal(t, id, c.ID)
			assert.False(t, c.More)
			explains(t, c.Err(), ops.CodeReadMulti, onFD(fd), errno)
		}
		id := start(t, r, ops.ReadMulti(rd, g))
		write(t, wr, "x")
		assert.Equal(t, "x", got(t, r, id))
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeReadMulti, onFD(rd))
	})
}

// How operations fail that do not wait for anything.
//
// covers: symlinkat fsync socket
func TestFailuresOfOperationsThatDoNotWait(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := tempFile(t, "")
		rd, _ := pipe(t)
		if can(r, ops.CodeSymlink) {
			fails(t, r, ops.Symlink("x", path), syscall.EEXIST, "x -> "+path)
			fails(t, r, ops.Symlink("x", path+"/below"), syscall.ENOTDIR, "x -> "+path+"/below")
		}
		fails(t, r, ops.Fsync(rd), syscall.EINVAL, onFD(rd))
		fails(t, r, ops.Fdatasync(noFD), syscall.EBADF, onFD(noFD))
		if can(r, ops.CodeSocket) {
			fails(t, r, ops.Socket(9999, unix.SOCK_STREAM, 0), syscall.EAFNOSUPPORT, "")
		}
	})
}
