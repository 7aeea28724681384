package ops

// atRemoveDir is AT_REMOVEDIR, in Flags of a CodeUnlink request.
const atRemoveDir = 0x200

// Unlink returns a request to remove the name path of a file, like unlink(2). The
// file itself goes with its last name, and when nobody has it open. Directories
// are Rmdir's: EISDIR.
//
// Native from kernel 5.11 (io_uring_prep_unlink(3)).
func Unlink(path string) Request { return UnlinkAt(atFDCWD, path, 0) }

// Rmdir returns a request to remove the empty directory path, like rmdir(2).
// ENOTEMPTY and ENOTDIR tell why it was not.
//
// Native from kernel 5.11 (io_uring_prep_unlink(3)).
func Rmdir(path string) Request { return UnlinkAt(atFDCWD, path, atRemoveDir) }

// UnlinkAt returns a request to remove path, which starts at the directory dirfd
// (unix.AT_FDCWD is the working directory), like unlinkat(2): a name of a file
// with flags 0, an empty directory with unix.AT_REMOVEDIR. Paths have the limits
// of Open. A cancelled request has removed nothing.
//
// Native from kernel 5.11 (io_uring_prep_unlinkat(3)).
func UnlinkAt(dirfd int, path string, flags int) Request {
	buf, err := cpath(path, false)
	if err != nil {
		return refuseErr(CodeUnlink, err)
	}
	return Request{Code: CodeUnlink, FD: fd32(dirfd), Buf: buf, Flags: uint32(flags)}
}
