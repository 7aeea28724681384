package ring_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// entry is what there is to know about a file of a tree. Times and inode numbers
// are left out: they differ between twins.
type entry struct {
	Mode    uint32 // type and permission
	Links   uint64
	Size    int64 // of what is not a directory
	Content string
	Target  string            // of a symbolic link
	Xattrs  map[string]string // in the name space user
	Same    string            // the first name of the same file
}

// treeOf returns all that is below root, by path.
func treeOf(t testing.TB, root string) map[string]entry {
	t.Helper()
	tree := map[string]entry{}
	first := map[uint64]string{} // of each inode, in the order of the walk
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, _ := filepath.Rel(root, path)
		var st unix.Stat_t
		require.NoError(t, unix.Lstat(path, &st))
		e := entry{Mode: st.Mode, Links: uint64(st.Nlink), Xattrs: xattrsOf(t, path)}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			e.Size = st.Size
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			e.Content = string(content)
		case unix.S_IFLNK:
			e.Target, err = os.Readlink(path)
			require.NoError(t, err)
		}
		if _, known := first[st.Ino]; !known {
			first[st.Ino] = name
		}
		e.Same = first[st.Ino]
		tree[name] = e
		return nil
	}))
	return tree
}

// xattrsOf returns the attributes of path in the name space user.
func xattrsOf(t testing.TB, path string) map[string]string {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, err := unix.Llistxattr(path, buf)
	if err == unix.EOPNOTSUPP {
		return nil
	}
	require.NoError(t, err)
	attrs := map[string]string{}
	for name := range strings.SplitSeq(string(buf[:n]), "\x00") {
		if strings.HasPrefix(name, "user.") {
			value := make([]byte, 1<<16)
			k, err := unix.Lgetxattr(path, name, value)
			require.NoError(t, err)
			attrs[name] = string(value[:k])
		}
	}
	return attrs
}

// sameTrees fails if a and b differ.
func sameTrees(t testing.TB, want, got string) bool {
	t.Helper()
	a, b := treeOf(t, want), treeOf(t, got)
	ok := assert.Equal(t, slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	for name, e := range a {
		ok = assert.Equal(t, e, b[name], name) && ok
	}
	return ok
}
