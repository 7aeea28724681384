package ops

import "syscall"

// FilePath is the argument of a ReadFile request: a path in the kernel's form,
// which can be used again for another.
type FilePath struct {
	path []byte
}

// Set makes p name path. p must not be in use by a request.
func (p *FilePath) Set(path string) error {
	p.path = p.path[:0]
	if err := checkPath(path); err != nil {
		return err
	}
	p.path = append(append(p.path, path...), 0)
	return nil
}

// Bytes returns the path with the NUL that ends it, for engines. It is the
// FilePath's own, and not to be changed.
func (p *FilePath) Bytes() []byte { return p.path }

// String returns the path.
func (p *FilePath) String() string {
	if p == nil || len(p.path) == 0 {
		return ""
	}
	return string(p.path[:len(p.path)-1])
}

// ReadFile returns a request to open the file at path, read up to len(buf) bytes
// from its start into buf, and close it: three steps that the kernel takes one
// after the other without coming back, on a direct descriptor of the Ring's own.
// N is the number of bytes read. Where it is len(buf), the file may be longer; where it
// is less, that is the end of a regular file, but others, say in /proc, may give
// less at a time than they have.
//
// There is one completion, when the file is closed. Its error is that of the
// first step that failed, and names path: of open(2), or of read(2), say EISDIR.
// After Cancel, too, the file is closed. The kernel owns buf until then. A path
// that Open refuses is refused with ErrInvalid.
//
// Requests beyond the number of such descriptors (Config.DirectFiles) wait for
// one of those under way to end. To read many files use Ring.ReadFiles.
//
// Native from kernel 6.0 (io_uring_prep_openat_direct(3)). Before: ErrNotSupported.
func ReadFile(path string, buf []byte) Request { return ReadFileAt(atFDCWD, path, buf) }

// ReadFileAt is ReadFile with a path that starts at the directory dirfd, like
// openat(2): unix.AT_FDCWD is the working directory, and absolute paths ignore
// dirfd.
//
// Native from kernel 6.0 (io_uring_prep_openat_direct(3)).
func ReadFileAt(dirfd int, path string, buf []byte) Request {
	p := new(FilePath)
	if err := p.Set(path); err != nil {
		return refuseErr(CodeReadFile, err)
	}
	return ReadFilePath(dirfd, p, buf)
}

// ReadFilePath is ReadFileAt with a path in the kernel's form, which belongs to
// the request until the terminal completion. Used again and again, it saves two
// allocations for each file.
//
// Native from kernel 6.0 (io_uring_prep_openat_direct(3)).
func ReadFilePath(dirfd int, p *FilePath, buf []byte) Request {
	return Request{
		Code: CodeReadFile, Mode: Managed, FD: fd32(dirfd), Buf: buf,
		Flags: syscall.O_RDONLY | largeFile, Arg: p,
	}
}
