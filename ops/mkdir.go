package ops

// Mkdir returns a request to make the directory path, like mkdir(2). mode holds
// its permission bits, before the umask. EEXIST tells that path exists already,
// as whatever it may be.
//
// Native from kernel 5.15 (io_uring_prep_mkdir(3)).
func Mkdir(path string, mode uint32) Request { return MkdirAt(atFDCWD, path, mode) }

// MkdirAt is Mkdir with a path that starts at the directory dirfd, like
// mkdirat(2). Paths have the limits of Open.
//
// Native from kernel 5.15 (io_uring_prep_mkdirat(3)).
func MkdirAt(dirfd int, path string, mode uint32) Request {
	buf, err := cpath(path, false)
	if err != nil {
		return refuseErr(CodeMkdir, err)
	}
	return Request{Code: CodeMkdir, FD: fd32(dirfd), Buf: buf, Len: mode}
}
