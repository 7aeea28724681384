package ops

import "golang.org/x/sys/unix"

// Statx returns a request to fill st with what mask asks for, say
// unix.STATX_BASIC_STATS, about path, which starts at the directory dirfd
// (unix.AT_FDCWD is the working directory), like statx(2). flags are its AT
// flags, such as unix.AT_SYMLINK_NOFOLLOW. st.Mask tells afterwards which fields
// the file system filled. st belongs to the kernel until the terminal
// completion, and comes back as the completion's Arg.
//
// A nil st, a path longer than 4095 bytes or with a NUL in it, and an empty path
// without unix.AT_EMPTY_PATH, are refused with ErrInvalid.
//
// Native from kernel 5.6 (io_uring_prep_statx(3)).
func Statx(dirfd int, path string, flags, mask int, st *unix.Statx_t) Request {
	buf, err := cpath(path, flags&unix.AT_EMPTY_PATH != 0)
	if err != nil {
		return refuseErr(CodeStatx, err)
	}
	if st == nil {
		return refuse(CodeStatx, "no Statx_t to fill")
	}
	return Request{
		Code: CodeStatx, FD: fd32(dirfd), Buf: buf,
		Flags: uint32(flags), Len: uint32(mask), Arg: st,
	}
}

// StatxFD is Statx for the open file fd, like fstat(2). It works on every kind
// of descriptor, O_PATH ones included.
//
// Native from kernel 5.6 (io_uring_prep_statx(3)).
func StatxFD(fd int, flags, mask int, st *unix.Statx_t) Request {
	return Statx(fd, "", flags|unix.AT_EMPTY_PATH, mask, st)
}
