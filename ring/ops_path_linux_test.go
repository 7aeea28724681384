package ring_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// plant makes a small tree to walk in and returns its root.
//
//	file       "content"
//	dir/inner  "inner"
//	link       -> file
//	up         -> ..
//	abs        -> /dir/inner
//	loop       -> loop
//	fifo
func plant(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(root+"/file", []byte("content"), 0o640))
	require.NoError(t, os.Mkdir(root+"/dir", 0o750))
	require.NoError(t, os.WriteFile(root+"/dir/inner", []byte("inner"), 0o600))
	for name, target := range map[string]string{"link": "file", "up": "..", "abs": "/dir/inner", "loop": "loop"} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	require.NoError(t, unix.Mkfifo(root+"/fifo", 0o600))
	return root
}

// openCase is a call of open(2).
type openCase struct {
	path  string // below the root of plant
	flags int
	mode  uint32
}

func openCases() []openCase {
	return []openCase{
		{"file", unix.O_RDONLY, 0},
		{"file", unix.O_RDWR | unix.O_APPEND | unix.O_NONBLOCK, 0o777},
		{"file", unix.O_WRONLY | unix.O_TRUNC, 0},
		{"file", unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL, 0o600},
		{"file", unix.O_DIRECTORY, 0},
		{"file", unix.O_PATH, 0},
		{"file/below", unix.O_RDONLY, 0},
		{"new", unix.O_RDONLY, 0},
		{"new", unix.O_RDWR | unix.O_CREAT, 0o666},
		{"new", unix.O_RDWR | unix.O_CREAT | unix.O_EXCL, 0o4711},
		{"new", unix.O_WRONLY | unix.O_CREAT | unix.O_SYNC, 0},
		{"dir", unix.O_RDONLY, 0},
		{"dir", unix.O_DIRECTORY | unix.O_NOATIME, 0},
		{"dir", unix.O_WRONLY, 0},
		{"dir", unix.O_TMPFILE | unix.O_RDWR, 0o644},
		{"dir", unix.O_TMPFILE | unix.O_RDONLY, 0o644},
		{"none", unix.O_TMPFILE | unix.O_RDWR, 0o644},
		{"dir/none/file", unix.O_CREAT | unix.O_RDWR, 0o644},
		{"link", unix.O_RDONLY, 0},
		{"link", unix.O_RDONLY | unix.O_NOFOLLOW, 0},
		{"link", unix.O_PATH | unix.O_NOFOLLOW, 0},
		{"loop", unix.O_RDONLY, 0},
		{"fifo", unix.O_WRONLY | unix.O_NONBLOCK, 0},
		{strings.Repeat("n", 256), unix.O_RDONLY, 0},
		{"././././file", unix.O_RDONLY, 0},
	}
}

// Each case is performed by open(2) in one tree and by the ring in another that
// is the same: the outcome must not differ, under any umask.
func TestOpOpenAsPlainCall(t *testing.T) {
	for _, umask := range []int{0, 0o027} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			defer unix.Umask(unix.Umask(umask))
			eachRing(t, func(t *testing.T, r *ring.Ring) {
				for _, c := range some(openCases()) {
					call, ours := plant(t)+"/"+c.path, plant(t)+"/"+c.path
					fd, err := unix.Open(call, c.flags|unix.O_CLOEXEC, c.mode)
					sameOpen(t, r, ops.Open(ours, c.flags, c.mode), ours, fd, err)
				}
			})
		})
	}
}

// sameOpen performs req and compares with the outcome of the plain call, whose
// descriptor it closes.
func sameOpen(t testing.TB, r *ring.Ring, req ops.Request, target string, fd int, err error) {
	t.Helper()
	if err != nil {
		var errno syscall.Errno
		require.ErrorAs(t, err, &errno)
		fails(t, r, req, errno, target)
		return
	}
	defer unix.Close(fd)
	c := do(t, r, req)
	require.Equal(t, int(c.Res), c.FD())
	defer unix.Close(c.FD())
	var want, got unix.Stat_t
	require.NoError(t, unix.Fstat(fd, &want))
	require.NoError(t, unix.Fstat(c.FD(), &got))
	assert.Equal(t, want.Mode, got.Mode, target)
	assert.Equal(t, want.Nlink, got.Nlink, target)
	if want.Mode&unix.S_IFMT == unix.S_IFREG {
		assert.Equal(t, want.Size, got.Size, target)
	}
	for _, what := range []int{unix.F_GETFL, unix.F_GETFD} {
		assert.Equal(t, fcntl(t, fd, what), fcntl(t, c.FD(), what), "fcntl %d of %s", what, target)
	}
	assert.Equal(t, unix.FD_CLOEXEC, fcntl(t, c.FD(), unix.F_GETFD))
}

func fcntl(t testing.TB, fd, what int) int {
	t.Helper()
	v, err := unix.FcntlInt(uintptr(fd), what, 0)
	require.NoError(t, err)
	return v
}

// os errors hold for what open reports.
func TestOpOpenErrors(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		root := plant(t)
		_, err := try(t, r, ops.Open(root+"/none", unix.O_RDONLY, 0))
		assert.ErrorIs(t, err, os.ErrNotExist)
		assert.EqualError(t, err, "openat "+root+"/none: no such file or directory")
		_, err = try(t, r, ops.Open(root+"/file", unix.O_CREAT|unix.O_EXCL, 0))
		assert.ErrorIs(t, err, os.ErrExist)
		_, err = try(t, r, ops.Open("/proc/self/mem/x", unix.O_RDONLY, 0))
		assert.ErrorIs(t, err, syscall.ENOTDIR)
		_, err = try(t, r, ops.Open("/proc/version", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0))
		assert.ErrorIs(t, err, fs.ErrExist)
		for _, path := range []string{"", "nul\x00byte", strings.Repeat("p", 4096)} {
			_, err := r.Submit(ops.Open(path, unix.O_RDONLY, 0))
			assert.ErrorIs(t, err, ops.ErrInvalid)
			assert.Contains(t, err.Error(), "openat: ")
		}
		long := root + strings.Repeat("/", 4095-len(root)-len("file")) + "file"
		require.NoError(t, unix.Close(do(t, r, ops.Open(long, unix.O_RDONLY, 0)).FD()))
	})
}

func TestOpOpenAt(t *testing.T) {
	root := plant(t)
	t.Chdir(root + "/dir")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		dir := own(t, do(t, r, ops.Open(root, unix.O_DIRECTORY|unix.O_PATH, 0)).FD())
		buf := make([]byte, 10)
		for _, c := range []struct {
			dir     int
			path    string
			content string
		}{
			{dir, "file", "content"},
			{dir, "dir/inner", "inner"},
			{dir, root + "/dir/inner", "inner"},
			{unix.AT_FDCWD, "inner", "inner"},
			{unix.AT_FDCWD, "../file", "content"},
			{noFD, root + "/file", "content"},
		} {
			fd := do(t, r, ops.OpenAt(c.dir, c.path, unix.O_RDONLY, 0)).FD()
			assert.Equal(t, c.content, string(do(t, r, ops.Read(fd, buf, 0)).Bytes()), c.path)
			require.NoError(t, unix.Close(fd))
		}
		file := own(t, do(t, r, ops.Open("inner", unix.O_RDONLY, 0)).FD())
		fails(t, r, ops.OpenAt(noFD, "file", unix.O_RDONLY, 0), syscall.EBADF, "file")
		fails(t, r, ops.OpenAt(file, "file", unix.O_RDONLY, 0), syscall.ENOTDIR, "file")
		fails(t, r, ops.OpenAt(dir, "inner", unix.O_RDONLY, 0), syscall.ENOENT, "inner")
	})
}

func TestOpOpenInheritable(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		root := plant(t)
		for _, req := range []ops.Request{
			ops.Open(root+"/file", unix.O_RDONLY, 0),
			ops.Open2(root+"/file", &unix.OpenHow{}),
		} {
			fd := do(t, r, req.Inheritable()).FD()
			assert.Zero(t, fcntl(t, fd, unix.F_GETFD))
			require.NoError(t, unix.Close(fd))
		}
	})
}

// Opening a FIFO waits for the other end, and can be cancelled meanwhile. Without
// O_CREAT the kernel tries with O_NONBLOCK first, which FIFOs heed: see ops.Open.
func TestOpOpenFIFO(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fifo := plant(t) + "/fifo"
		const rdonly, wronly = unix.O_RDONLY | unix.O_CREAT, unix.O_WRONLY | unix.O_CREAT
		cancels(t, r, ops.Open(fifo, rdonly, 0), fifo)
		cancels(t, r, ops.Open(fifo, wronly, 0), fifo)
		cancels(t, r, ops.Open2(fifo, &unix.OpenHow{Flags: rdonly}), fifo)
		id := start(t, r, ops.Open(fifo, rdonly, 0))
		wr, err := unix.Open(fifo, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		own(t, wr)
		rd := own(t, finish(t, r, id).FD())
		write(t, wr, "through")
		c := do(t, r, ops.Read(rd, make([]byte, 10), ops.Current))
		assert.Equal(t, "through", string(c.Bytes()))
		assert.Zero(t, fcntl(t, rd, unix.F_GETFL)&unix.O_NONBLOCK)
	})
}

// resolveCase is a call of openat2(2) below the root of plant, or below dir.
type resolveCase struct {
	dir, path string
	how       unix.OpenHow
	want      error // that openat2 gives, for readers; the test asks it too
}

// resolveCached is RESOLVE_CACHED of openat2(2), kernel 5.12.
const resolveCached = 0x20

func resolveCases() []resolveCase {
	how := func(resolve uint64) unix.OpenHow { return unix.OpenHow{Resolve: resolve} }
	return []resolveCase{
		{"", "file", how(unix.RESOLVE_BENEATH), nil},
		{"", "dir/../file", how(unix.RESOLVE_BENEATH), nil},
		{"", "link", how(unix.RESOLVE_BENEATH), nil},
		{"", "../file", how(unix.RESOLVE_BENEATH), syscall.EXDEV},
		{"", "dir/../../file", how(unix.RESOLVE_BENEATH), syscall.EXDEV},
		{"", "up", how(unix.RESOLVE_BENEATH), syscall.EXDEV},
		{"", "abs", how(unix.RESOLVE_BENEATH), syscall.EXDEV},
		{"", "/dev/null", how(unix.RESOLVE_BENEATH), syscall.EXDEV},
		{"", "abs", how(unix.RESOLVE_IN_ROOT), nil},
		{"", "/dir/inner", how(unix.RESOLVE_IN_ROOT), nil},
		{"", "../../../file", how(unix.RESOLVE_IN_ROOT), nil},
		{"", "up/file", how(unix.RESOLVE_IN_ROOT), nil},
		{"", "link", how(unix.RESOLVE_NO_SYMLINKS), syscall.ELOOP},
		{"", "up/file", how(unix.RESOLVE_NO_SYMLINKS), syscall.ELOOP},
		{"", "file", how(unix.RESOLVE_NO_SYMLINKS), nil},
		{"/proc/self", "exe", how(unix.RESOLVE_NO_MAGICLINKS), syscall.ELOOP},
		{"/proc/self", "exe", how(0), nil},
		{"", "link", how(unix.RESOLVE_NO_MAGICLINKS), nil},
		{"/", "proc/version", how(unix.RESOLVE_NO_XDEV), syscall.EXDEV},
		{"", "file", how(unix.RESOLVE_NO_XDEV), nil},
		{"", "file", how(resolveCached), nil},
		{"", "new", unix.OpenHow{Flags: unix.O_CREAT | unix.O_RDWR, Resolve: resolveCached}, syscall.EAGAIN},
		{"", "file", how(1 << 20), syscall.EINVAL},
		{"", "file", how(unix.RESOLVE_BENEATH | unix.RESOLVE_IN_ROOT), syscall.EINVAL},
		{"", "file", unix.OpenHow{Mode: 0o600}, syscall.EINVAL},
		{"", "file", unix.OpenHow{Flags: 1 << 30}, syscall.EINVAL},
		{"", "file", unix.OpenHow{Flags: unix.O_PATH}, nil},
		{"", "new", unix.OpenHow{Flags: unix.O_CREAT | unix.O_RDWR, Mode: 0o640, Resolve: unix.RESOLVE_BENEATH}, nil},
		{"", "none", unix.OpenHow{}, syscall.ENOENT},
	}
}

func TestOpOpen2Resolve(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for i, c := range resolveCases() {
			name := fmt.Sprintf("case %d: %s, flags %#x, resolve %#x", i, c.path, c.how.Flags, c.how.Resolve)
			call, ours := resolveDir(t, c.dir), resolveDir(t, c.dir)
			how := c.how
			how.Flags |= unix.O_CLOEXEC
			fd, err := unix.Openat2(call, c.path, &how)
			if !errors.Is(err, c.want) {
				t.Logf("%s: this kernel says %v, not %v", name, err, c.want)
			}
			how = c.how
			req := ops.OpenAt2(ours, c.path, &how)
			how = unix.OpenHow{Flags: 1 << 40, Resolve: 1 << 40} // it was copied
			sameOpen(t, r, req, c.path, fd, err)
		}
		fails(t, r, ops.OpenAt2(noFD, "file", &unix.OpenHow{}), syscall.EBADF, "file")
		_, err := r.Submit(ops.Open2("file", nil))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// resolveDir opens dir, or a fresh tree where that is empty.
func resolveDir(t testing.TB, dir string) int {
	t.Helper()
	if dir == "" {
		dir = plant(t)
		_, err := os.Stat(dir + "/file") // RESOLVE_CACHED wants it known
		require.NoError(t, err)
	}
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	return own(t, fd)
}
