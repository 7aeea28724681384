package ring_test

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// source turns bytes into choices.
type source struct{ data []byte }

// pick returns a number from 0 to n-1, and 0 when the bytes are used up.
func (in *source) pick(n int) int {
	if len(in.data) == 0 {
		return 0
	}
	b := in.data[0]
	in.data = in.data[1:]
	return int(b) % n
}

func oneOf[T any](in *source, choices ...T) T { return choices[in.pick(len(choices))] }

// offset returns a place in or shortly behind a small file.
func (in *source) offset() int64 { return int64(in.pick(40)) * oneOf[int64](in, 1, 13, 512, 1000) }

// path returns a name in z, below both folders.
func (z *zone) path(in *source) (name, ours, twin string) {
	name = z.name + "/" + oneOf(in, "a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "l/a")
	return name, z.m.ours + "/" + name, z.m.twin + "/" + name
}

// file returns an open file, or none.
func (z *zone) file(in *source) twins {
	if i := in.pick(6); i < len(z.files) {
		return z.files[i]
	}
	return twins{-1, -1}
}

// step makes up the next operation in z.
func (z *zone) step(in *source) *step {
	s := &step{full: -1}
	makers := []func(*source, *step){
		z.open, z.open, z.open, z.open2, z.tmpfile, z.read, z.read, z.write, z.write, z.readv, z.writev, z.close,
		z.sync, z.allocate, z.truncate, z.stat, z.statFD, z.rename, z.rename, z.remove, z.mkdir, z.mkdir,
		z.symlink, z.hardlink, z.setxattr, z.getxattr, z.nameOf,
		z.readFixed, z.writeFixed, z.spliceOut, z.spliceIn, z.readFile,
		z.openDirect, z.openDirect, z.makePipe, z.makeSocket, z.send, z.recv,
	}
	makers[in.pick(len(makers))](in, s)
	if !can(z.m.r, s.req.Code) {
		return z.step(in) // at the end of the bytes it is an open
	}
	return s
}

// noResult makes a call that returns only an error.
func noResult(err error) (int, error) { return 0, err }

func (z *zone) opens(s *step) {
	s.isOpen = true
	s.opened = func(ours, twin int) { z.files = append(z.files, twins{ours, twin}) }
}

func (z *zone) open(in *source, s *step) {
	name, ours, twin := z.path(in)
	flags := oneOf(in, unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_RDWR|unix.O_APPEND, unix.O_RDWR|unix.O_TRUNC,
		unix.O_PATH, unix.O_DIRECTORY, unix.O_RDONLY|unix.O_NOFOLLOW)
	flags |= oneOf(in, 0, unix.O_CREAT, unix.O_CREAT, unix.O_CREAT|unix.O_EXCL)
	mode := oneOf[uint32](in, 0o600, 0o644, 0o777)
	s.name = fmt.Sprintf("open %s %#x %#o", name, flags, mode)
	s.req = ops.Open(ours, flags, mode)
	s.call = func() (int, error) { return unix.Open(twin, flags|unix.O_CLOEXEC, mode) }
	z.opens(s)
}

func (z *zone) open2(in *source, s *step) {
	name, ours, twin := z.path(in)
	how := unix.OpenHow{
		Flags:   oneOf[uint64](in, unix.O_RDONLY, unix.O_RDWR, unix.O_RDWR|unix.O_CREAT),
		Resolve: oneOf[uint64](in, 0, unix.RESOLVE_NO_SYMLINKS, unix.RESOLVE_BENEATH, unix.RESOLVE_NO_MAGICLINKS),
	}
	if how.Flags&unix.O_CREAT != 0 {
		how.Mode = 0o640
	}
	s.name = fmt.Sprintf("open2 %s %+v", name, how)
	s.req = ops.Open2(ours, &how)
	s.call = func() (int, error) {
		call := how
		call.Flags |= unix.O_CLOEXEC
		return unix.Openat2(unix.AT_FDCWD, twin, &call)
	}
	z.opens(s)
}

func (z *zone) tmpfile(_ *source, s *step) {
	const flags = unix.O_TMPFILE | unix.O_RDWR
	s.name = "open a file without name"
	s.req = ops.Open(z.m.ours+"/"+z.name, flags, 0o604)
	s.call = func() (int, error) { return unix.Open(z.m.twin+"/"+z.name, flags|unix.O_CLOEXEC, 0o604) }
	z.opens(s)
}

// Reads of no bytes are left out: of a directory, the plain call fails and the
// one on the ring does not.
func (z *zone) read(in *source, s *step) {
	f, a, b := z.file(in), make([]byte, 1+in.pick(199)), make([]byte, 200)
	off := oneOf(in, ops.Current, in.offset())
	b = b[:len(a)]
	s.name, s.full = fmt.Sprintf("read %v %d bytes at %d", f, len(a), off), len(a)
	s.req = ops.Read(f.ours, a, off)
	s.call = func() (int, error) {
		if off == ops.Current {
			return unix.Read(f.twin, b)
		}
		return unix.Pread(f.twin, b, off)
	}
	s.compared = func(n int) { assert.Equal(z.m.t, b[:n], a[:n], s.name) }
}

func (z *zone) write(in *source, s *step) {
	f, data := z.file(in), bytes.Repeat([]byte{byte('a' + in.pick(26)), byte('0' + in.pick(10))}, in.pick(500))
	off := oneOf(in, ops.Current, in.offset())
	s.name, s.full = fmt.Sprintf("write %v %d bytes at %d", f, len(data), off), len(data)
	s.req = ops.Write(f.ours, data, off)
	s.call = func() (int, error) {
		if off == ops.Current {
			return unix.Write(f.twin, data)
		}
		return unix.Pwrite(f.twin, data, off)
	}
}

func (z *zone) readv(in *source, s *step) {
	f := z.file(in)
	var a, b [][]byte
	for range 1 + in.pick(3) {
		n := 1 + in.pick(59)
		a, b = append(a, make([]byte, n)), append(b, make([]byte, n))
		s.full = max(s.full, 0) + n
	}
	off := oneOf(in, ops.Current, in.offset())
	s.name = fmt.Sprintf("readv %v %d buffers of %d bytes at %d", f, len(a), s.full, off)
	s.req = ops.Readv(f.ours, a, off)
	s.call = func() (int, error) { return unix.Preadv2(f.twin, b, off, 0) }
	s.compared = func(int) { assert.Equal(z.m.t, b, a, s.name) }
}

func (z *zone) writev(in *source, s *step) {
	f := z.file(in)
	var data [][]byte
	for range in.pick(4) {
		data = append(data, bytes.Repeat([]byte{byte('A' + in.pick(26))}, in.pick(60)))
		s.full = max(s.full, 0) + len(data[len(data)-1])
	}
	off := oneOf(in, ops.Current, in.offset())
	s.name = fmt.Sprintf("writev %v %d buffers of %d bytes at %d", f, len(data), s.full, off)
	s.req = ops.Writev(f.ours, data, off)
	s.call = func() (int, error) { return unix.Pwritev2(f.twin, data, off, 0) }
}

// close takes the file off the list at once: a later step of the same chain must
// not meet another file under its number.
func (z *zone) close(in *source, s *step) {
	f := z.file(in)
	for i := range z.files {
		if z.files[i] == f {
			z.files = append(z.files[:i:i], z.files[i+1:]...)
			s.dropped = func() { z.late = append(z.late, f) }
			break
		}
	}
	s.name = fmt.Sprintf("close %v", f)
	s.req = ops.Close(f.ours)
	s.call = func() (int, error) { return noResult(unix.Close(f.twin)) }
}

func (z *zone) sync(in *source, s *step) {
	f := z.file(in)
	off, length := in.offset(), in.offset()
	switch in.pick(8) {
	case 0:
		s.req, s.call = ops.Fsync(f.ours), func() (int, error) { return noResult(unix.Fsync(f.twin)) }
	case 1:
		s.req, s.call = ops.Fdatasync(f.ours), func() (int, error) { return noResult(unix.Fdatasync(f.twin)) }
	case 2, 3, 4:
		flags := oneOf(in, 0, unix.SYNC_FILE_RANGE_WRITE, 1<<6)
		s.req = ops.SyncFileRange(f.ours, off, length, flags)
		s.call = func() (int, error) { return noResult(unix.SyncFileRange(f.twin, off, length, flags)) }
	default:
		advice := oneOf(in, unix.FADV_NORMAL, unix.FADV_WILLNEED, unix.FADV_DONTNEED, 77)
		s.req = ops.Fadvise(f.ours, off, length, advice)
		s.call = func() (int, error) { return noResult(unix.Fadvise(f.twin, off, length, advice)) }
	}
	s.name = fmt.Sprintf("%v %v", s.req.Code, f)
}

func (z *zone) allocate(in *source, s *step) {
	f, off, length := z.file(in), in.offset(), in.offset()+1
	mode := oneOf[uint32](in, 0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE,
		unix.FALLOC_FL_ZERO_RANGE, unix.FALLOC_FL_PUNCH_HOLE, unix.FALLOC_FL_COLLAPSE_RANGE)
	s.name = fmt.Sprintf("fallocate %v %#x %d %d", f, mode, off, length)
	s.req = ops.Fallocate(f.ours, mode, off, length)
	s.call = func() (int, error) { return noResult(unix.Fallocate(f.twin, mode, off, length)) }
}

func (z *zone) truncate(in *source, s *step) {
	f, size := z.file(in), in.offset()
	s.name = fmt.Sprintf("ftruncate %v %d", f, size)
	s.req = ops.Ftruncate(f.ours, size)
	s.call = func() (int, error) { return noResult(unix.Ftruncate(f.twin, size)) }
}

func (z *zone) stat(in *source, s *step) {
	name, ours, twin := z.path(in)
	flags := oneOf(in, 0, unix.AT_SYMLINK_NOFOLLOW)
	z.stats(s, "stat "+name, func(st *unix.Statx_t) ops.Request {
		return ops.Statx(unix.AT_FDCWD, ours, flags, unix.STATX_BASIC_STATS, st)
	}, func(st *unix.Statx_t) error {
		return unix.Statx(unix.AT_FDCWD, twin, flags, unix.STATX_BASIC_STATS, st)
	})
}

func (z *zone) statFD(in *source, s *step) {
	f := z.ordinary(in)
	z.stats(s, fmt.Sprintf("stat %v", f), func(st *unix.Statx_t) ops.Request {
		return ops.StatxFD(f.ours, 0, unix.STATX_BASIC_STATS, st)
	}, func(st *unix.Statx_t) error {
		return unix.Statx(f.twin, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, st)
	})
}

func (z *zone) stats(s *step, name string, req func(*unix.Statx_t) ops.Request, call func(*unix.Statx_t) error) {
	a, b := new(unix.Statx_t), new(unix.Statx_t)
	s.name, s.req = name, req(a)
	s.call = func() (int, error) { return noResult(call(b)) }
	s.compared = func(int) {
		assert.Equal(z.m.t, [3]uint32{b.Mask, uint32(b.Mode), b.Nlink}, [3]uint32{a.Mask, uint32(a.Mode), a.Nlink}, name)
		if b.Mode&unix.S_IFMT == unix.S_IFREG {
			assert.Equal(z.m.t, b.Size, a.Size, name)
		}
	}
}
