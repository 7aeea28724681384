package ring_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// nameCase is an operation on names, as a request and as a plain call. Paths are
// below the root of plant, and dir is a descriptor of that.
type nameCase struct {
	name   string
	req    func(root string, dir int) ops.Request
	call   func(root string, dir int) error
	target func(root string) string // in the error's message
}

func nameCases() (all []nameCase) {
	add := func(name string, req func(root string, dir int) ops.Request, call func(root string, dir int) error, target func(root string) string) {
		all = append(all, nameCase{name, req, call, target})
	}
	for _, path := range []string{"file", "dir", "none", "link", "dir/inner", "file/below", "dir/none/deep"} {
		at := func(string) string { return path }
		add("unlink "+path, func(_ string, dir int) ops.Request { return ops.UnlinkAt(dir, path, 0) },
			func(_ string, dir int) error { return unix.Unlinkat(dir, path, 0) }, at)
		add("rmdir "+path, func(_ string, dir int) ops.Request { return ops.UnlinkAt(dir, path, unix.AT_REMOVEDIR) },
			func(_ string, dir int) error { return unix.Unlinkat(dir, path, unix.AT_REMOVEDIR) }, at)
		add("mkdir "+path, func(_ string, dir int) ops.Request { return ops.MkdirAt(dir, path, 0o777) },
			func(_ string, dir int) error { return unix.Mkdirat(dir, path, 0o777) }, at)
		add("symlink "+path, func(_ string, dir int) ops.Request { return ops.SymlinkAt("../away", dir, path) },
			func(_ string, dir int) error { return unix.Symlinkat("../away", dir, path) },
			func(string) string { return "../away -> " + path })
	}
	for _, p := range [][2]string{
		{"file", "new"}, {"file", "dir/inner"}, {"file", "dir"}, {"dir", "file"}, {"dir", "new"}, {"dir", "dir/sub"},
		{"link", "new"}, {"none", "new"}, {"file", "none/new"}, {"fifo", "file"}, {"file", "file"}, {"file", "link"},
	} {
		for _, flags := range []int{0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE, unix.RENAME_NOREPLACE | unix.RENAME_EXCHANGE, 1 << 9} {
			add(fmt.Sprintf("rename %s %s %#x", p[0], p[1], flags),
				func(root string, dir int) ops.Request { return ops.RenameAt(dir, p[0], noFD, root+"/"+p[1], flags) },
				func(root string, dir int) error { return unix.Renameat2(dir, p[0], noFD, root+"/"+p[1], uint(flags)) },
				func(root string) string { return p[0] + " -> " + root + "/" + p[1] })
		}
		for _, flags := range []int{0, unix.AT_SYMLINK_FOLLOW, 1} {
			add(fmt.Sprintf("link %s %s %#x", p[0], p[1], flags),
				func(root string, dir int) ops.Request { return ops.HardlinkAt(noFD, root+"/"+p[0], dir, p[1], flags) },
				func(root string, dir int) error { return unix.Linkat(noFD, root+"/"+p[0], dir, p[1], flags) },
				func(root string) string { return root + "/" + p[0] + " -> " + p[1] })
		}
	}
	return all
}

// Each case is performed by a plain call in one tree and by the Ring in another
// that is the same: neither outcomes nor trees differ afterwards.
//
// covers: unlinkat mkdirat symlinkat renameat2 linkat
func TestOpNamesAsPlainCall(t *testing.T) {
	defer unix.Umask(unix.Umask(0o027))
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, c := range some(nameCases()) {
			if !can(r, c.req("", 0).Code) {
				continue
			}
			call, ours := plant(t), plant(t)
			callDir, ourDir := resolveDirOnce(t, call), resolveDirOnce(t, ours)
			if err := c.call(call, callDir); err != nil {
				fails(t, r, c.req(ours, ourDir), err.(syscall.Errno), c.target(ours))
			} else {
				assert.Zero(t, do(t, r, c.req(ours, ourDir)).Res, c.name)
			}
			require.True(t, sameTrees(t, call, ours), c.name)
			require.NoError(t, unix.Close(callDir))
			require.NoError(t, unix.Close(ourDir))
		}
	})
}

// resolveDirOnce opens dir for the caller to close.
func resolveDirOnce(t testing.TB, dir string) int {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	return fd
}

// The variants without directories start at the working directory.
func TestOpNamesInWorkingDirectory(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		needsOps(t, r, ops.CodeMkdir, ops.CodeHardlink, ops.CodeSymlink)
		t.Chdir(t.TempDir())
		do(t, r, ops.Mkdir("d", 0o700))
		require.NoError(t, unix.Close(do(t, r, ops.Open("d/f", unix.O_CREAT|unix.O_WRONLY, 0o600)).FD()))
		do(t, r, ops.Hardlink("d/f", "d/g"))
		do(t, r, ops.Symlink("d/g", "s"))
		do(t, r, ops.Rename("d/f", "f"))
		do(t, r, ops.Rename("f", "d/g")) // two names of one file: nothing happens
		tree := treeOf(t, ".")
		assert.Equal(t, tree["f"].Same, tree["d/g"].Same)
		assert.Equal(t, "d/g", tree["s"].Target)
		fails(t, r, ops.Rmdir("d"), syscall.ENOTEMPTY, "d")
		fails(t, r, ops.Unlink("d"), syscall.EISDIR, "d")
		for _, name := range []string{"d/g", "f", "s"} {
			do(t, r, ops.Unlink(name))
		}
		do(t, r, ops.Rmdir("d"))
		assert.Len(t, treeOf(t, "."), 1)
		_, err := try(t, r, ops.Rename("none", "other"))
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
}

// A file without a name gets one, complete and in one step.
func TestOpTmpfile(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		needsOps(t, r, ops.CodeHardlink)
		dir := t.TempDir()
		fd := own(t, do(t, r, ops.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o640)).FD())
		do(t, r, ops.Write(fd, []byte("all of it"), 0))
		assert.Len(t, treeOf(t, dir), 1)
		at := own(t, do(t, r, ops.Open(dir, unix.O_DIRECTORY, 0)).FD())
		do(t, r, ops.HardlinkFD(fd, at, "named"))
		assert.Equal(t, "all of it", contentOf(t, dir+"/named"))
		do(t, r, ops.HardlinkAt(fd, "", at, "too", unix.AT_EMPTY_PATH)) // wants a new kernel, or privilege
		assert.EqualValues(t, 2, treeOf(t, dir)["too"].Links)
		fails(t, r, ops.HardlinkFD(fd, at, "named"), syscall.EEXIST, fmt.Sprintf("/proc/self/fd/%d -> named", fd))
		sealed := own(t, do(t, r, ops.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o640)).FD())
		fails(t, r, ops.HardlinkFD(sealed, at, "sealed"), syscall.ENOENT, fmt.Sprintf("/proc/self/fd/%d -> sealed", sealed))
		_, err := r.Submit(ops.HardlinkFD(ops.DirectAt(3).FD(), at, "direct"))
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "linkat: not supported here: direct 3 has no name in /proc/self/fd: Install it")
	})
}

// Names are made and used in one submission; the first failure ends it.
func TestOpNamesInChain(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		needsOps(t, r, ops.CodeMkdir, ops.CodeSymlink)
		dir := t.TempDir()
		group := ops.Chain(
			ops.Mkdir(dir+"/a", 0o700).WithTag("mkdir"),
			ops.Symlink("a", dir+"/s").WithTag("symlink"),
			ops.Rename(dir+"/s/none", dir+"/b").WithTag("rename"),
			ops.Rmdir(dir+"/a").WithTag("rmdir"),
		)
		require.NoError(t, r.SubmitAll(group, nil))
		got := byTag(t, take(t, r, len(group)))
		c := got["mkdir"]
		assert.NoError(t, c.Err())
		c = got["symlink"]
		assert.NoError(t, c.Err())
		c = got["rename"]
		assert.ErrorIs(t, c.Err(), syscall.ENOENT)
		c = got["rmdir"]
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		assert.Len(t, treeOf(t, dir), 3)
	})
}

// A cancel comes in time or too late, and the completion tells which: what it
// says agrees with what is there. (trap 24)
func TestOpNamesCanceled(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		needsOps(t, r, ops.CodeMkdir)
		dir := t.TempDir()
		made := map[string]bool{}
		for i := range 100 {
			path := fmt.Sprintf("%s/%d", dir, i)
			id := submit(t, r, ops.Mkdir(path, 0o700))
			if err := r.Cancel(id); err != nil {
				assert.ErrorIs(t, err, ops.ErrNotFound)
			}
			c := next(t, r)
			if c.OK() {
				made[path] = true
			} else {
				explains(t, c.Err(), ops.CodeMkdir, path, ops.ErrCanceled)
			}
			_, err := os.Stat(path)
			assert.Equal(t, made[path], err == nil, path)
		}
		t.Logf("%d of 100 came too late", len(made))
	})
}
