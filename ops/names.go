package ops

import (
	"fmt"
	"strconv"
)

// AT flags of linkat(2).
const (
	atSymlinkFollow = 0x400
	atEmptyPath     = 0x1000
)

// Hardlink returns a request to give the file oldPath the further name newPath,
// like link(2). A symbolic link is not followed: the new name is one of the link.
// EEXIST tells that newPath exists, EXDEV that it would be on another file
// system, EPERM that oldPath is a directory. Paths have the limits of Open.
//
// Native from kernel 5.15 (io_uring_prep_link(3)).
func Hardlink(oldPath, newPath string) Request {
	return HardlinkAt(atFDCWD, oldPath, atFDCWD, newPath, 0)
}

// HardlinkAt is Hardlink with paths that start at the directories oldDir and
// newDir (unix.AT_FDCWD is the working directory), like linkat(2). flags is 0 or
// unix.AT_SYMLINK_FOLLOW; with unix.AT_EMPTY_PATH oldPath may be empty, and the
// file is that of the descriptor oldDir, for which kernels before 6.10 want
// CAP_DAC_READ_SEARCH, and say ENOENT without.
//
// Native from kernel 5.15 (io_uring_prep_linkat(3)).
func HardlinkAt(oldDir int, oldPath string, newDir int, newPath string, flags int) Request {
	r := twoPaths(CodeHardlink, oldPath, flags&atEmptyPath != 0, newPath)
	if r.Code == CodeHardlink {
		r.FD, r.FD2, r.Flags = fd32(oldDir), fd32(newDir), uint32(flags)
	}
	return r
}

// HardlinkFD returns a request to give the open file fd the name newPath, which
// starts at the directory newDir. It is how a file opened with unix.O_TMPFILE
// gets its name, complete and in one step; not one with O_EXCL as well. It goes
// through /proc, which must be mounted, and so needs no privilege. A direct
// descriptor has no place there: it is refused with ErrNotSupported.
//
// Native from kernel 5.15 (io_uring_prep_linkat(3), open(2)).
func HardlinkFD(fd int, newDir int, newPath string) Request {
	if d := DirectOf(fd); d.Valid() {
		return refuseErr(CodeHardlink, fmt.Errorf(
			"%w: %v has no name in /proc/self/fd: Install it, and link the descriptor that this brings", ErrNotSupported, d))
	}
	return HardlinkAt(atFDCWD, "/proc/self/fd/"+strconv.Itoa(fd), newDir, newPath, atSymlinkFollow)
}

// Symlink returns a request to make path a symbolic link to target, like
// symlink(2). target is stored as it is and need not exist. EEXIST tells that
// path exists. Paths have the limits of Open.
//
// Native from kernel 5.15 (io_uring_prep_symlink(3)).
func Symlink(target, path string) Request { return SymlinkAt(target, atFDCWD, path) }

// SymlinkAt is Symlink with a path that starts at the directory dirfd, like
// symlinkat(2). target is not looked up, and so has nothing to do with dirfd.
//
// Native from kernel 5.15 (io_uring_prep_symlinkat(3)).
func SymlinkAt(target string, dirfd int, path string) Request {
	r := twoPaths(CodeSymlink, target, false, path)
	if r.Code == CodeSymlink {
		r.FD = fd32(dirfd)
	}
	return r
}
