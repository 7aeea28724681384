package ops

import "syscall"

// closeOnExec is O_CLOEXEC, whose value SOCK_CLOEXEC shares.
const closeOnExec = syscall.O_CLOEXEC

// Open returns a request to open path, like open(2). flags are those of open(2),
// such as unix.O_RDWR|unix.O_CREAT; mode holds the permission bits of a new file
// (0o644, before the umask; not an os.FileMode), and counts only with O_CREAT or
// O_TMPFILE. The completion's FD is the new descriptor, which belongs to whoever
// takes the completion. It is close-on-exec: see Inheritable for the opposite.
//
// A path that is empty, longer than 4095 bytes or contains a NUL is refused with
// ErrInvalid. Other errors are those of open(2), about the path.
//
// From 5.12 on the kernel makes its first attempt with O_NONBLOCK, and takes that
// off the descriptor again. Files that heed it while they are opened do not wait: a
// FIFO opens for reading without a writer, and for writing it ends in ENXIO as long
// as there is no reader. With O_CREAT in flags, a FIFO is waited for as by open(2).
//
// Native from kernel 5.6 (io_uring_prep_openat(3)).
func Open(path string, flags int, mode uint32) Request {
	return OpenAt(atFDCWD, path, flags, mode)
}

// OpenAt is Open with a path that starts at the directory dirfd, like openat(2):
// unix.AT_FDCWD is the working directory, and absolute paths ignore dirfd.
//
// Native from kernel 5.6 (io_uring_prep_openat(3)).
func OpenAt(dirfd int, path string, flags int, mode uint32) Request {
	buf, err := cpath(path, false)
	if err != nil {
		return refuseErr(CodeOpen, err)
	}
	return Request{
		Code: CodeOpen, FD: fd32(dirfd), Buf: buf,
		Flags: uint32(flags) | closeOnExec | largeFile, Len: mode,
	}
}

// Inheritable returns a copy of r, a request made by Open, Accept, Socket, Pipe,
// Install or one of their variants, whose new descriptors stay open across
// execve(2). The other way round is the default because a child started between
// the completion and a call to fcntl would inherit them by accident. On another
// operation the result is refused with ErrInvalid.
func (r Request) Inheritable() Request {
	switch r.Code {
	case CodeOpen, CodeAccept, CodeSocket, CodePipe, CodeInstall:
		r.Flags &^= closeOnExec
		return r
	case CodeOpen2:
		r.Arg = inheritableHow(r.Arg)
		return r
	case CodeInvalid:
		return r
	}
	return refuse(r.Code, "the operation makes no descriptor")
}
