package ring_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// attributed returns a file on a file system that has attributes.
func attributed(t testing.TB) (fd int, path string) {
	t.Helper()
	needs(t, "5.19")
	fd, path = tempFile(t, "")
	if err := unix.Fsetxattr(fd, "user.probe", nil, 0); errors.Is(err, syscall.EOPNOTSUPP) {
		t.Skipf("%s: %v", path, err)
	}
	require.NoError(t, unix.Removexattr(path, "user.probe"))
	return fd, path
}

// covers: getxattr setxattr fgetxattr fsetxattr
func TestOpXattr(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := attributed(t)
		value := []byte("text/plain\x00binary")
		c := do(t, r, ops.Setxattr(path, "user.mime", value, 0))
		assert.Zero(t, c.N())
		assert.Equal(t, map[string]string{"user.mime": string(value)}, xattrsOf(t, path))
		into := make([]byte, 100)
		c = do(t, r, ops.Getxattr(path, "user.mime", into))
		assert.Equal(t, value, c.Bytes())
		assert.Equal(t, len(value), c.N())
		assert.Equal(t, len(value), do(t, r, ops.Getxattr(path, "user.mime", nil)).N())
		assert.Equal(t, len(value), do(t, r, ops.Fgetxattr(fd, "user.mime", nil)).N())

		do(t, r, ops.Fsetxattr(fd, "user.mime", []byte("x"), unix.XATTR_REPLACE))
		assert.Equal(t, "x", string(do(t, r, ops.Fgetxattr(fd, "user.mime", into)).Bytes()))
		do(t, r, ops.Fsetxattr(fd, "user.empty", nil, unix.XATTR_CREATE))
		assert.Empty(t, do(t, r, ops.Getxattr(path, "user.empty", into)).Bytes())
		assert.Len(t, xattrsOf(t, path), 2)
	})
}

func TestOpXattrFailures(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := attributed(t)
		do(t, r, ops.Setxattr(path, "user.a", []byte("long value"), 0))
		of := "user.a of " + path
		fails(t, r, ops.Getxattr(path, "user.a", make([]byte, 3)), syscall.ERANGE, of)
		fails(t, r, ops.Fgetxattr(fd, "user.a", make([]byte, 3)), syscall.ERANGE, onFD(fd))
		fails(t, r, ops.Getxattr(path, "user.none", nil), syscall.ENODATA, "user.none of "+path)
		fails(t, r, ops.Setxattr(path, "user.a", nil, unix.XATTR_CREATE), syscall.EEXIST, of)
		fails(t, r, ops.Setxattr(path, "user.b", nil, unix.XATTR_REPLACE), syscall.ENODATA, "user.b of "+path)
		fails(t, r, ops.Fsetxattr(fd, "user.b", nil, 1<<7), syscall.EINVAL, onFD(fd))
		fails(t, r, ops.Setxattr(path, "user.b", make([]byte, 1<<16+1), 0), syscall.E2BIG, "user.b of "+path)
		fails(t, r, ops.Setxattr(path, "nowhere.b", nil, 0), syscall.EOPNOTSUPP, "nowhere.b of "+path)
		fails(t, r, ops.Getxattr(path+".none", "user.a", nil), syscall.ENOENT, of+".none")
		fails(t, r, ops.Fgetxattr(noFD, "user.a", nil), syscall.EBADF, onFD(noFD))
		_, err := r.Submit(ops.Getxattr(path, "user."+strings.Repeat("n", 251), nil))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// Attributes are those of the file, not of the symbolic link.
func TestOpXattrFollowsLinks(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := attributed(t)
		do(t, r, ops.Symlink("file", path+".link"))
		do(t, r, ops.Setxattr(path+".link", "user.a", []byte("through"), 0))
		assert.Equal(t, "through", string(do(t, r, ops.Getxattr(path, "user.a", make([]byte, 9))).Bytes()))
		assert.Empty(t, xattrsOf(t, path+".link"))
	})
}
