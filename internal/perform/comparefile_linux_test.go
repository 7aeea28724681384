package perform_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

func TestCompareReads(t *testing.T) {
	compare(t, func(s *stage) {
		fd := s.file("f", "0123456789")
		b := make([]byte, 16)
		for _, off := range []int64{0, 3, 9, 10, 1 << 40, ops.Current, ops.Current} {
			s.do(ops.Read(fd, b, off))
			s.note(string(b))
		}
		s.do(ops.Read(fd, nil, 0))
		s.do(ops.Readv(fd, [][]byte{b[:3], nil, b[8:12]}, 1))
		s.do(ops.Readv(fd, nil, 1))
		s.note(string(b))
		s.do(ops.Read(closed, b, 0))
		s.do(ops.Read(-1, b, 0))
		s.do(ops.Read(fd, b, 0).WithRWFlags(unix.RWF_NOWAIT))
		s.do(ops.Read(fd, b, 0).WithRWFlags(1 << 20))
		dir := s.open(ops.Open(s.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0))
		s.do(ops.Read(dir, b, 0))
		s.do(ops.Read(s.open(ops.Open("/dev/zero", unix.O_RDONLY, 0)), b, 99))
		s.do(ops.Write(s.open(ops.Open("/dev/full", unix.O_WRONLY, 0)), b, 0))
		path := s.open(ops.Open(s.path("f"), unix.O_PATH, 0))
		s.do(ops.Read(path, b, 0))
	})
}

// A file of the process file system gives a page at a time.
func TestCompareLongReads(t *testing.T) {
	compare(t, func(s *stage) {
		b := make([]byte, 1<<16)
		status := s.open(ops.Open("/proc/self/limits", unix.O_RDONLY, 0))
		s.do(ops.Read(status, b, 0))
		s.do(ops.Read(status, b, ops.Current))
		s.do(ops.Read(status, b, ops.Current))
		s.note(string(b))
	})
}

func TestCompareWrites(t *testing.T) {
	compare(t, func(s *stage) {
		fd := s.file("f", "0123456789")
		s.do(ops.Write(fd, []byte("abc"), 2))
		s.do(ops.Write(fd, []byte("XY"), ops.Current))
		s.do(ops.Writev(fd, [][]byte{[]byte("1"), []byte("234567")}, 8))
		s.do(ops.Write(fd, []byte("end"), 0).WithRWFlags(unix.RWF_APPEND))
		s.do(ops.Write(fd, []byte("!"), 40).WithRWFlags(unix.RWF_DSYNC))
		only := s.open(ops.Open(s.path("f"), unix.O_RDONLY, 0))
		s.do(ops.Write(only, []byte("x"), 0))
		s.do(ops.Writev(closed, nil, 0))
		content, err := os.ReadFile(s.path("f"))
		require.NoError(s, err)
		s.note(string(content))
	})
}

func TestComparePipes(t *testing.T) {
	compare(t, func(s *stage) {
		rd, wr := s.pipe()
		b := make([]byte, 16)
		s.do(ops.Read(wr, b, 0))
		s.do(ops.Write(rd, b, 0))
		s.do(ops.Read(rd, b, 0).WithRWFlags(unix.RWF_NOWAIT))
		s.do(ops.Write(wr, []byte("abc"), 0))
		s.do(ops.Read(rd, b, 5))
		s.do(ops.Writev(wr, [][]byte{[]byte("de"), []byte("fgh")}, ops.Current))
		s.do(ops.Readv(rd, [][]byte{b[:1], b[1:16]}, ops.Current))
		s.note(string(b))
		require.NoError(s, unix.Close(wr))
		s.do(ops.Read(rd, b, 0))
		rd, wr = s.pipe()
		require.NoError(s, unix.Close(rd))
		s.do(ops.Write(wr, b, 0))
		event, err := unix.Eventfd(3, unix.EFD_CLOEXEC)
		require.NoError(s, err)
		defer func() { _ = unix.Close(event) }()
		s.do(ops.Read(event, b[:4], 0))
		s.do(ops.Read(event, b[:8], 0))
		s.note(b)
	})
}

func TestCompareOpen(t *testing.T) {
	compare(t, func(s *stage) {
		s.file("f", "0123456789")
		require.NoError(s, os.Symlink("f", s.path("link")))
		s.open(ops.Open(s.path("f"), unix.O_RDWR, 0))
		s.open(ops.Open(s.path("f"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_APPEND, 0).Inheritable())
		s.open(ops.Open(s.path("new"), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o640))
		s.open(ops.Open(s.path("new"), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o640))
		s.open(ops.Open(s.path("none"), unix.O_RDONLY, 0))
		s.open(ops.Open(s.path("f")+"/x", unix.O_RDONLY, 0))
		s.open(ops.Open(s.path("f"), unix.O_RDONLY|unix.O_DIRECTORY, 0))
		s.open(ops.Open(s.path("link"), unix.O_RDONLY|unix.O_NOFOLLOW, 0))
		s.open(ops.Open(s.dir, unix.O_WRONLY, 0))
		s.open(ops.Open(s.path("f"), unix.O_PATH|unix.O_RDWR, 0o777))
		s.open(ops.Open(s.path("f"), unix.O_RDONLY, 0o777)) // a mode without a file to make
		dir := s.open(ops.Open(s.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0))
		s.open(ops.OpenAt(dir, "f", unix.O_RDWR|unix.O_TRUNC, 0))
		s.open(ops.OpenAt(dir, ".", unix.O_RDWR|unix.O_TMPFILE, 0o600))
		s.open(ops.OpenAt(closed, "f", unix.O_RDONLY, 0))
		s.open(ops.Open(s.path(strings.Repeat("n", 300)), unix.O_RDONLY, 0))
		for _, how := range []unix.OpenHow{
			{Flags: unix.O_RDONLY, Resolve: unix.RESOLVE_BENEATH},
			{Flags: unix.O_RDONLY, Resolve: unix.RESOLVE_NO_SYMLINKS},
			{Flags: unix.O_RDONLY, Mode: 0o600},
			{Flags: unix.O_RDONLY | 1<<40},
			{Flags: unix.O_RDONLY, Resolve: 1 << 40},
			{Flags: unix.O_PATH},
			{Flags: unix.O_RDWR | unix.O_CREAT, Mode: 0o600},
		} {
			s.open(ops.OpenAt2(dir, "f", &how))
			s.open(ops.OpenAt2(dir, "link", &how))
			s.open(ops.OpenAt2(dir, "../x", &how))
		}
	})
}

func TestComparePaths(t *testing.T) {
	compare(t, func(s *stage) {
		fd := s.file("f", "0123456789")
		var st unix.Statx_t
		s.do(ops.Statx(unix.AT_FDCWD, s.path("f"), 0, unix.STATX_SIZE|unix.STATX_MODE, &st))
		s.note(st.Size, st.Mode)
		s.do(ops.StatxFD(fd, 0, unix.STATX_SIZE, &st))
		s.do(ops.Statx(unix.AT_FDCWD, s.path("none"), 0, unix.STATX_SIZE, &st))
		s.do(ops.Statx(unix.AT_FDCWD, s.path("f"), 1<<30, unix.STATX_SIZE, &st))
		s.do(ops.StatxFD(closed, 0, unix.STATX_SIZE, &st))
		s.do(ops.Mkdir(s.path("d"), 0o711))
		s.do(ops.Mkdir(s.path("d"), 0o711))
		s.do(ops.Rename(s.path("f"), s.path("d/g")))
		s.do(ops.Rename(s.path("f"), s.path("d/g")))
		s.do(ops.RenameAt(unix.AT_FDCWD, s.path("d/g"), unix.AT_FDCWD, s.path("d"), unix.RENAME_EXCHANGE))
		s.do(ops.RenameAt(unix.AT_FDCWD, s.path("d"), unix.AT_FDCWD, s.path("d/g"), unix.RENAME_NOREPLACE))
		s.do(ops.Symlink("to", s.path("l")))
		s.do(ops.Symlink("to", s.path("l")))
		s.do(ops.Hardlink(s.path("d/g"), s.path("h")))
		s.do(ops.Hardlink(s.path("d/g"), s.path("h")))
		s.do(ops.Hardlink(s.path("d"), s.path("i")))
		s.do(ops.HardlinkAt(unix.AT_FDCWD, s.path("l"), unix.AT_FDCWD, s.path("j"), unix.AT_SYMLINK_FOLLOW))
		s.do(ops.HardlinkFD(fd, unix.AT_FDCWD, s.path("k")))
		s.do(ops.Rmdir(s.path("d")))
		s.do(ops.Unlink(s.path("d")))
		s.do(ops.UnlinkAt(unix.AT_FDCWD, s.path("h"), 1<<20))
		s.do(ops.Unlink(s.path("h")))
		entries, err := os.ReadDir(s.dir)
		require.NoError(s, err)
		for _, e := range entries {
			s.note(e.Name(), e.Type())
		}
	})
}

func TestCompareAttributes(t *testing.T) {
	compare(t, func(s *stage) {
		fd := s.file("f", "")
		value := make([]byte, 10)
		s.do(ops.Setxattr(s.path("f"), "user.a", []byte("one"), 0))
		s.do(ops.Setxattr(s.path("f"), "user.a", []byte("two"), unix.XATTR_CREATE))
		s.do(ops.Fsetxattr(fd, "user.b", []byte("three"), unix.XATTR_CREATE))
		s.do(ops.Fsetxattr(fd, "user.c", []byte("three"), unix.XATTR_REPLACE))
		s.do(ops.Getxattr(s.path("f"), "user.b", value))
		s.note(string(value))
		s.do(ops.Getxattr(s.path("f"), "user.b", value[:2]))
		s.do(ops.Getxattr(s.path("none"), "user.b", value))
		s.do(ops.Fgetxattr(fd, "user.a", nil))
		s.do(ops.Fgetxattr(fd, "user.z", nil))
		s.do(ops.Fgetxattr(closed, "user.z", nil))
	})
}

func TestCompareRanges(t *testing.T) {
	compare(t, func(s *stage) {
		fd := s.file("f", "0123456789")
		s.do(ops.Fsync(fd))
		s.do(ops.Fdatasync(fd))
		s.do(ops.SyncFileRange(fd, 0, 4, unix.SYNC_FILE_RANGE_WRITE))
		s.do(ops.SyncFileRange(fd, 0, 4, 1<<20))
		s.do(ops.Fallocate(fd, 0, 5, 100))
		s.do(ops.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 500, 100))
		s.do(ops.Fallocate(fd, 1<<20, 0, 1))
		s.do(ops.Ftruncate(fd, 42))
		s.do(ops.Fadvise(fd, 0, 0, unix.FADV_RANDOM))
		s.do(ops.Fadvise(fd, 0, 10, unix.FADV_DONTNEED))
		s.do(ops.Fadvise(fd, 0, 0, 99))
		memory := make([]byte, 3*os.Getpagesize())
		s.do(ops.Madvise(memory, unix.MADV_WILLNEED))
		s.do(ops.Madvise(nil, unix.MADV_WILLNEED))
		s.do(ops.Madvise(memory[:1], 99))
		rd, _ := s.pipe()
		s.do(ops.Fsync(rd))
		s.do(ops.Fadvise(rd, 0, 0, unix.FADV_RANDOM))
		s.do(ops.Ftruncate(rd, 1))
		s.do(ops.Fallocate(rd, 0, 0, 1))
		s.do(ops.SyncFileRange(rd, 0, 1, 0))
		s.do(ops.Fsync(closed))
		s.do(ops.Ftruncate(closed, 1))
		info, err := os.Stat(s.path("f"))
		require.NoError(s, err)
		s.note(info.Size())
	})
}

func TestCompareClose(t *testing.T) {
	compare(t, func(s *stage) {
		fd, err := unix.Open(s.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
		require.NoError(s, err)
		s.do(ops.Close(fd))
		rd, wr, a, lingers := -1, -1, -1, -1
		var fds [2]int
		require.NoError(s, unix.Pipe2(fds[:], unix.O_CLOEXEC))
		rd, wr = fds[0], fds[1]
		a, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(s, err)
		lingers, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(s, err)
		require.NoError(s, unix.SetsockoptLinger(lingers, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3}))
		for _, fd := range []int{rd, wr, a, lingers} {
			s.do(ops.Close(fd))
		}
		s.do(ops.Close(closed))
		s.do(ops.Close(-1))
	})
}

func TestCompareSplice(t *testing.T) {
	compare(t, func(s *stage) {
		f := s.file("f", "0123456789")
		rd, wr := s.pipe()
		rd2, wr2 := s.pipe()
		b := make([]byte, 20)
		s.do(ops.Splice(f, 3, wr, ops.Current, 4, 0))
		s.do(ops.Splice(f, ops.Current, wr, ops.Current, 100, 0))
		s.do(ops.Tee(rd, wr2, 5, 0))
		s.do(ops.Splice(rd, ops.Current, f, 8, 100, unix.SPLICE_F_MOVE))
		s.do(ops.Read(f, b, 0))
		s.do(ops.Splice(rd2, ops.Current, wr, ops.Current, 100, 0))
		s.do(ops.Read(rd, b[:5], 0))
		s.note(string(b))
		s.do(ops.Splice(rd, 0, f, 8, 100, 0))
		s.do(ops.Splice(f, 0, f, 8, 100, 0))
		s.do(ops.Splice(rd, ops.Current, wr, ops.Current, 100, 0))
		s.do(ops.Splice(rd, ops.Current, wr2, ops.Current, 100, unix.SPLICE_F_NONBLOCK))
		s.do(ops.Splice(closed, ops.Current, wr, ops.Current, 100, 0))
		s.do(ops.Splice(rd, ops.Current, closed, ops.Current, 100, 0))
		s.do(ops.Splice(closed, ops.Current, wr, ops.Current, 0, 0))
		s.do(ops.Splice(rd, ops.Current, wr2, ops.Current, 0, 0))
		s.do(ops.Tee(f, wr, 5, 0))
		s.do(ops.Tee(rd, wr2, 5, unix.SPLICE_F_NONBLOCK))
		s.do(ops.Splice(f, 99, wr, ops.Current, 5, 0))
	})
}
