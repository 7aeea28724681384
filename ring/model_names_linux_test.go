package ring_test

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Steps about names and attributes: see model_linux_test.go.

func (z *zone) rename(in *source, s *step) {
	from, oursFrom, twinFrom := z.path(in)
	to, oursTo, twinTo := z.path(in)
	flags := oneOf(in, 0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE)
	s.name = fmt.Sprintf("rename %s %s %#x", from, to, flags)
	s.req = ops.RenameAt(unix.AT_FDCWD, oursFrom, unix.AT_FDCWD, oursTo, flags)
	s.call = func() (int, error) {
		return noResult(unix.Renameat2(unix.AT_FDCWD, twinFrom, unix.AT_FDCWD, twinTo, uint(flags)))
	}
}

func (z *zone) remove(in *source, s *step) {
	name, ours, twin := z.path(in)
	flags := oneOf(in, 0, unix.AT_REMOVEDIR)
	s.name = fmt.Sprintf("unlink %s %#x", name, flags)
	s.req = ops.UnlinkAt(unix.AT_FDCWD, ours, flags)
	s.call = func() (int, error) { return noResult(unix.Unlinkat(unix.AT_FDCWD, twin, flags)) }
}

func (z *zone) mkdir(in *source, s *step) {
	name, ours, twin := z.path(in)
	mode := oneOf[uint32](in, 0o755, 0o777, 0o1700)
	s.name = fmt.Sprintf("mkdir %s %#o", name, mode)
	s.req = ops.Mkdir(ours, mode)
	s.call = func() (int, error) { return noResult(unix.Mkdir(twin, mode)) }
}

func (z *zone) symlink(in *source, s *step) {
	name, ours, twin := z.path(in)
	target := oneOf(in, "a", "d", "../"+z.name+"/d/a", "l", "nowhere")
	s.name = fmt.Sprintf("symlink %s to %s", name, target)
	s.req = ops.Symlink(target, ours)
	s.call = func() (int, error) { return noResult(unix.Symlink(target, twin)) }
}

func (z *zone) hardlink(in *source, s *step) {
	from, oursFrom, twinFrom := z.path(in)
	to, oursTo, twinTo := z.path(in)
	flags := oneOf(in, 0, unix.AT_SYMLINK_FOLLOW)
	s.name = fmt.Sprintf("link %s %s %#x", from, to, flags)
	s.req = ops.HardlinkAt(unix.AT_FDCWD, oursFrom, unix.AT_FDCWD, oursTo, flags)
	s.call = func() (int, error) {
		return noResult(unix.Linkat(unix.AT_FDCWD, twinFrom, unix.AT_FDCWD, twinTo, flags))
	}
}

// nameOf gives an open file a name.
func (z *zone) nameOf(in *source, s *step) {
	f := z.ordinary(in)
	to, ours, twin := z.path(in)
	s.name = fmt.Sprintf("link %v %s", f, to)
	s.req = ops.HardlinkFD(f.ours, unix.AT_FDCWD, ours)
	s.call = func() (int, error) {
		from := fmt.Sprintf("/proc/self/fd/%d", f.twin)
		return noResult(unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, twin, unix.AT_SYMLINK_FOLLOW))
	}
}

func (z *zone) setxattr(in *source, s *step) {
	attr := oneOf(in, "user.a", "user.b", "nowhere.c")
	value := bytes.Repeat([]byte{byte('0' + in.pick(10))}, in.pick(100))
	flags := oneOf(in, 0, unix.XATTR_CREATE, unix.XATTR_REPLACE)
	if in.pick(2) == 0 {
		f := z.file(in)
		s.name = fmt.Sprintf("fsetxattr %v %s %q %d", f, attr, value, flags)
		s.req = ops.Fsetxattr(f.ours, attr, value, flags)
		s.call = func() (int, error) { return noResult(unix.Fsetxattr(f.twin, attr, value, flags)) }
		return
	}
	name, ours, twin := z.path(in)
	s.name = fmt.Sprintf("setxattr %s %s %q %d", name, attr, value, flags)
	s.req = ops.Setxattr(ours, attr, value, flags)
	s.call = func() (int, error) { return noResult(unix.Setxattr(twin, attr, value, flags)) }
}

func (z *zone) getxattr(in *source, s *step) {
	attr, size := oneOf(in, "user.a", "user.b", "nowhere.c"), oneOf(in, 0, 10, 100)
	a, b := make([]byte, size), make([]byte, size)
	s.compared = func(int) { assert.Equal(z.m.t, b, a, s.name) }
	if in.pick(2) == 0 {
		f := z.file(in)
		s.name = fmt.Sprintf("fgetxattr %v %s %d", f, attr, size)
		s.req = ops.Fgetxattr(f.ours, attr, a)
		s.call = func() (int, error) { return unix.Fgetxattr(f.twin, attr, b) }
		return
	}
	name, ours, twin := z.path(in)
	s.name = fmt.Sprintf("getxattr %s %s %d", name, attr, size)
	s.req = ops.Getxattr(ours, attr, a)
	s.call = func() (int, error) { return unix.Getxattr(twin, attr, b) }
}
