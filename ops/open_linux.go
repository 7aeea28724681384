package ops

import "golang.org/x/sys/unix"

// largeFile lets 32-bit systems open files beyond 2 GiB; it is 0 elsewhere.
const largeFile = unix.O_LARGEFILE

// Open2 is OpenAt2 with a path that starts at the working directory.
func Open2(path string, how *unix.OpenHow) Request { return OpenAt2(unix.AT_FDCWD, path, how) }

// OpenAt2 returns a request to open path below the directory dirfd, like
// openat2(2), which can confine the walk: how.Resolve holds RESOLVE flags such as
// unix.RESOLVE_BENEATH, how.Flags and how.Mode are as with Open, though unknown
// or contradictory ones are errors (EINVAL) here. how is copied. The completion's
// FD is the new descriptor; it is close-on-exec unless Inheritable says otherwise.
//
// A nil how, and what Open refuses, is refused with ErrInvalid. EXDEV and ELOOP
// tell that RESOLVE flags stopped the walk; EAGAIN, that the tree changed during
// it: try again.
//
// Native from kernel 5.6 (io_uring_prep_openat2(3)).
func OpenAt2(dirfd int, path string, how *unix.OpenHow) Request {
	buf, err := cpath(path, false)
	if err != nil {
		return refuseErr(CodeOpen2, err)
	}
	if how == nil {
		return refuse(CodeOpen2, "no OpenHow")
	}
	own := *how
	own.Flags |= closeOnExec | largeFile
	if own.Flags&unix.O_PATH != 0 {
		// openat2 is strict: next to O_PATH it takes only a few flags.
		own.Flags &^= largeFile
	}
	return Request{Code: CodeOpen2, FD: fd32(dirfd), Buf: buf, Arg: &own}
}

func inheritableHow(arg any) any {
	how, ok := arg.(*unix.OpenHow)
	if !ok || how == nil {
		return arg // Validate refuses it
	}
	own := *how
	own.Flags &^= closeOnExec
	return &own
}

// validateStruct checks the operations whose argument is a kernel structure.
func (r *Request) validateStruct() error {
	switch r.Code {
	case CodeEpollCtl, CodeEpollWait:
		return r.validateEpoll()
	case CodeOpen2:
		if how, ok := r.Arg.(*unix.OpenHow); !ok || how == nil {
			return r.wrong("argument %T: want a *unix.OpenHow that is not nil", r.Arg)
		}
		return r.validatePath(false)
	}
	if st, ok := r.Arg.(*unix.Statx_t); !ok || st == nil {
		return r.wrong("argument %T: want a *unix.Statx_t that is not nil", r.Arg)
	}
	return r.validatePath(r.Flags&unix.AT_EMPTY_PATH != 0)
}
