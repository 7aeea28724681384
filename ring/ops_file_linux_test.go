package ring_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// noFD is a descriptor that is not open.
const noFD = 1 << 20

func TestOpNop(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		c := do(t, r, ops.Nop().WithTag("tag"))
		assert.Equal(t, &ops.Completion{ID: c.ID, Code: ops.CodeNop, Target: -1, Tag: "tag"}, c)
		assert.Equal(t, -1, c.FD())
		assert.Empty(t, c.Bytes())
	})
}

func TestOpReadAtOffset(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "0123456789")
		for _, off := range []int64{0, 2, 7, 9, 10, 1 << 40} {
			for _, size := range []int{0, 1, 3, 10, 20} {
				want, got := make([]byte, size), make([]byte, size)
				n, err := unix.Pread(fd, want, off)
				require.NoError(t, err)
				c := do(t, r, ops.Read(fd, got, off))
				assert.Equal(t, n, c.N(), "%d bytes at %d", size, off)
				assert.Equal(t, want[:n], c.Bytes())
			}
		}
		assert.Zero(t, do(t, r, ops.Read(fd, nil, 0)).N())
		assert.Zero(t, position(t, fd))
	})
}

func TestOpWriteAtOffset(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "0123456789")
		assert.Equal(t, 3, do(t, r, ops.Write(fd, []byte("abc"), 4)).N())
		assert.Equal(t, "0123abc789", contentOf(t, path))
		assert.Equal(t, 2, do(t, r, ops.Write(fd, []byte("de"), 12)).N())
		assert.Equal(t, "0123abc789\x00\x00de", contentOf(t, path))
		assert.Zero(t, do(t, r, ops.Write(fd, nil, 0)).N())
		assert.Zero(t, position(t, fd))
	})
}

// At ops.Current the file's position is used and moves, as with read(2) and
// write(2).
func TestOpReadWriteAtCurrent(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "0123456789")
		buf := make([]byte, 4)
		assert.Equal(t, "0123", string(do(t, r, ops.Read(fd, buf, ops.Current)).Bytes()))
		assert.EqualValues(t, 4, position(t, fd))
		do(t, r, ops.Write(fd, []byte("ab"), ops.Current))
		assert.EqualValues(t, 6, position(t, fd))
		_, err := unix.Read(fd, buf[:1])
		require.NoError(t, err)
		assert.Equal(t, "6", string(buf[:1]))
		bufs := [][]byte{make([]byte, 1), nil, make([]byte, 9)}
		assert.Equal(t, 3, do(t, r, ops.Readv(fd, bufs, ops.Current)).N())
		assert.Equal(t, "789", string(bufs[0])+string(bufs[2][:2]))
		assert.Zero(t, do(t, r, ops.Read(fd, buf, ops.Current)).N())
		do(t, r, ops.Writev(fd, [][]byte{[]byte("x"), []byte("yz")}, ops.Current))
		assert.EqualValues(t, 13, position(t, fd))
		assert.Equal(t, "0123ab6789xyz", contentOf(t, path))
	})
}

// position returns where the next read(2) of fd starts.
func position(t testing.TB, fd int) int64 {
	t.Helper()
	pos, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	require.NoError(t, err)
	return pos
}

func TestOpVectored(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "")
		text := strings.Repeat("0123456789abcdef", 64)
		in, out := make([][]byte, 1024), make([][]byte, 1024)
		for i := range in {
			in[i] = []byte(text[i : i+1])
			out[i] = make([]byte, 1)
		}
		assert.Equal(t, 1024, do(t, r, ops.Writev(fd, in, 1)).N())
		assert.Equal(t, "\x00"+text, contentOf(t, path))
		assert.Equal(t, 1000, do(t, r, ops.Readv(fd, out, 25)).N())
		for i := range 1000 {
			require.Equal(t, text[24+i], out[i][0])
		}
		assert.Zero(t, do(t, r, ops.Readv(fd, nil, 0)).N())
		assert.Zero(t, do(t, r, ops.Writev(fd, [][]byte{nil, {}}, 0)).N())
		assert.Zero(t, do(t, r, ops.Readv(fd, out, 1<<20)).N())

		_, err := r.Submit(ops.Readv(fd, make([][]byte, 1025), 0))
		require.ErrorIs(t, err, ops.ErrInvalid)
		assert.Contains(t, err.Error(), "readv: invalid request: 1025 buffers")
	})
}

// A buffer that is aligned as O_DIRECT demands arrives like any other.
func TestOpReadWriteDirect(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := tempFile(t, "")
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_DIRECT|unix.O_CLOEXEC, 0)
		if err == unix.EINVAL {
			t.Skip("the file system has no O_DIRECT")
		}
		require.NoError(t, err)
		own(t, fd)
		buf, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		require.NoError(t, err)
		defer func() { assert.NoError(t, unix.Munmap(buf)) }()
		copy(buf, strings.Repeat("direct", 1000))
		assert.Equal(t, 4096, do(t, r, ops.Write(fd, buf[:4096], 4096)).N())
		assert.Equal(t, string(buf[:4096]), contentOf(t, path)[4096:])
		assert.Equal(t, 4096, do(t, r, ops.Read(fd, buf[4096:], 4096)).N())
		assert.Equal(t, string(buf[:4096]), string(buf[4096:]))
	})
}

func TestOpReadWriteFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := tempFile(t, "text")
		buf := make([]byte, 4)
		open := func(path string, flags int) int {
			fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
			require.NoError(t, err)
			return own(t, fd)
		}
		rdonly, wronly := open(path, unix.O_RDONLY), open(path, unix.O_WRONLY)
		dir, full := open(t.TempDir(), unix.O_RDONLY), open("/dev/full", unix.O_WRONLY)
		pathOnly := open(path, unix.O_PATH)
		fails(t, r, ops.Read(wronly, buf, 0), syscall.EBADF, onFD(wronly))
		fails(t, r, ops.Write(rdonly, buf, 0), syscall.EBADF, onFD(rdonly))
		fails(t, r, ops.Readv(wronly, [][]byte{buf}, 0), syscall.EBADF, onFD(wronly))
		fails(t, r, ops.Writev(rdonly, [][]byte{buf}, 0), syscall.EBADF, onFD(rdonly))
		fails(t, r, ops.Read(noFD, buf, 0), syscall.EBADF, onFD(noFD))
		fails(t, r, ops.Write(-1, buf, 0), syscall.EBADF, onFD(-1))
		fails(t, r, ops.Read(pathOnly, buf, 0), syscall.EBADF, onFD(pathOnly))
		fails(t, r, ops.Read(dir, buf, 0), syscall.EISDIR, onFD(dir))
		fails(t, r, ops.Write(full, buf, 0), syscall.ENOSPC, onFD(full))
		a, _ := unixPair(t, unix.SOCK_STREAM)
		fails(t, r, ops.Read(a, buf, 1), syscall.ESPIPE, onFD(a))
		fails(t, r, ops.Write(a, buf, 1), syscall.ESPIPE, onFD(a))
		_, err := r.Submit(ops.Read(rdonly, buf, -2))
		require.ErrorIs(t, err, ops.ErrInvalid)
		assert.Contains(t, err.Error(), "read "+onFD(rdonly))
	})
}

// RWF flags reach the kernel, and the EAGAIN that RWF_NOWAIT asks for is not
// mistaken for a reason to wait.
func TestOpRWFlags(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "text")
		do(t, r, ops.Write(fd, []byte(" end"), 0).WithRWFlags(unix.RWF_APPEND))
		assert.Equal(t, "text end", contentOf(t, path))
		do(t, r, ops.Writev(fd, [][]byte{[]byte("T")}, 0).WithRWFlags(unix.RWF_DSYNC))
		do(t, r, ops.Write(fd, []byte("E"), 5).WithRWFlags(unix.RWF_SYNC))
		assert.Equal(t, "Text End", contentOf(t, path))
		buf := make([]byte, 20)
		assert.Equal(t, 8, do(t, r, ops.Read(fd, buf, 0).WithRWFlags(unix.RWF_NOWAIT)).N())
		for _, flags := range []int{0, unix.O_NONBLOCK} {
			refusal := syscall.EAGAIN
			if !testkit.KernelHas("6.4") && (flags == 0 || r.Info().Engine == ring.IOURing) {
				refusal = syscall.EOPNOTSUPP // pipes do not know the flag
			}
			rd, wr := pipe2(t, flags|unix.O_CLOEXEC)
			fails(t, r, ops.Read(rd, buf, ops.Current).WithRWFlags(unix.RWF_NOWAIT), refusal, onFD(rd))
			fails(t, r, ops.Readv(rd, [][]byte{buf}, ops.Current).WithRWFlags(unix.RWF_NOWAIT), refusal, onFD(rd))
			fillPipe(t, wr)
			require.NoError(t, unix.SetNonblock(wr, flags != 0))
			fails(t, r, ops.Write(wr, buf, ops.Current).WithRWFlags(unix.RWF_NOWAIT), refusal, onFD(wr))
		}
		fails(t, r, ops.Read(fd, buf, 0).WithRWFlags(1<<30), syscall.EOPNOTSUPP, onFD(fd))
		_, err := r.Submit(ops.Send(fd, buf, 0).WithRWFlags(unix.RWF_NOWAIT))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// A read of an empty pipe, and a write to a full one, wait, whether or not the
// pipe has O_NONBLOCK. (trap 10)
func TestOpPipe(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.O_NONBLOCK} {
			rd, wr := pipe2(t, flags|unix.O_CLOEXEC)
			buf := make([]byte, 10)
			id := start(t, r, ops.Read(rd, buf, ops.Current))
			_, err := unix.Write(wr, []byte("abc"))
			require.NoError(t, err)
			assert.Equal(t, "abc", string(finish(t, r, id).Bytes()))

			vec := [][]byte{buf[:2], buf[2:4]}
			id = start(t, r, ops.Readv(rd, vec, ops.Current))
			_, err = unix.Write(wr, []byte("vector"))
			require.NoError(t, err)
			assert.Equal(t, 4, finish(t, r, id).N())
			assert.Equal(t, "vect", string(buf[:4]))
			assert.Equal(t, "or", string(do(t, r, ops.Read(rd, buf, ops.Current)).Bytes()))

			fillPipe(t, wr)
			require.NoError(t, unix.SetNonblock(wr, flags != 0))
			id = start(t, r, ops.Write(wr, []byte("last"), ops.Current))
			n := emptyPipe(t, rd)
			assert.Equal(t, 4, finish(t, r, id).N())
			assert.Equal(t, "last", string(do(t, r, ops.Read(rd, buf, ops.Current)).Bytes()), "after %d bytes", n)
		}
	})
}

// emptyPipe reads what is in a pipe and returns how much that was.
func emptyPipe(t testing.TB, rd int) (total int) {
	t.Helper()
	n, err := unix.IoctlGetInt(rd, unix.TIOCINQ)
	require.NoError(t, err)
	for buf := make([]byte, n); total < n; {
		k, err := unix.Read(rd, buf[total:])
		require.NoError(t, err)
		total += k
	}
	return total
}

// The end of a pipe is a read of 0; a write without reader is EPIPE, and the
// signal that goes with it does not end the process.
func TestOpPipeEnds(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr, err := os.Pipe()
		require.NoError(t, err)
		id := start(t, r, ops.Read(int(rd.Fd()), make([]byte, 4), ops.Current).Keeping(rd))
		require.NoError(t, wr.Close())
		assert.Zero(t, finish(t, r, id).N())
		require.NoError(t, rd.Close())

		rd, wr, err = os.Pipe()
		require.NoError(t, err)
		require.NoError(t, rd.Close())
		fd := int(wr.Fd())
		fails(t, r, ops.Write(fd, []byte("x"), ops.Current), syscall.EPIPE, onFD(fd))
		fails(t, r, ops.Writev(fd, [][]byte{[]byte("x")}, ops.Current), syscall.EPIPE, onFD(fd))
		require.NoError(t, wr.Close())
	})
}

func TestOpPipeCancel(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, flags := range []int{0, unix.O_NONBLOCK} {
			rd, wr := pipe2(t, flags|unix.O_CLOEXEC)
			buf := make([]byte, 4)
			cancels(t, r, ops.Read(rd, buf, ops.Current), onFD(rd))
			cancels(t, r, ops.Readv(rd, [][]byte{buf}, ops.Current), onFD(rd))
			fillPipe(t, wr)
			require.NoError(t, unix.SetNonblock(wr, flags != 0))
			cancels(t, r, ops.Write(wr, buf, ops.Current), onFD(wr))
			cancels(t, r, ops.Writev(wr, [][]byte{buf}, ops.Current), onFD(wr))
		}
	})
}
