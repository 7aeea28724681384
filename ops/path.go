package ops

import "strings"

// pathMax is PATH_MAX: the longest path that the kernel takes, in bytes, with
// the NUL that ends it.
const pathMax = 4096

// atFDCWD is AT_FDCWD: paths start at the working directory.
const atFDCWD = -100

// Reasons for which a path is refused. The kernel would say ENOENT, the wrong
// file, and ENAMETOOLONG.
var (
	errEmptyPath = Invalid("the path is empty")
	errNULPath   = Invalid("the path contains a NUL byte")
	errLongPath  = Invalid("the path is longer than %d bytes", pathMax-1)
)

// cpath returns path with the NUL that the kernel expects behind it.
func cpath(path string, mayBeEmpty bool) ([]byte, error) {
	if err := checkPath(path); err != nil && (path != "" || !mayBeEmpty) {
		return nil, err
	}
	buf := make([]byte, len(path)+1)
	copy(buf, path)
	return buf, nil
}

// checkPath says why path is none.
func checkPath(path string) error {
	switch {
	case path == "":
		return errEmptyPath
	case len(path) >= pathMax:
		return errLongPath
	case strings.IndexByte(path, 0) >= 0:
		return errNULPath
	}
	return nil
}
