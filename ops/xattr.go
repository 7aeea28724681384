package ops

// xattrNameMax is XATTR_NAME_MAX, the longest name of an attribute in bytes.
const xattrNameMax = 255

// Xattr is the argument of requests about extended attributes: the attribute's
// name and, unless a descriptor names the file, its path. The constructors make
// it; Buf holds the value.
type Xattr struct {
	name, path []byte
}

// Name returns the name of the attribute with the NUL that ends it, for engines.
func (x *Xattr) Name() []byte { return x.name }

// Path returns the path of the file with the NUL that ends it, for engines; nil
// where a descriptor names the file.
func (x *Xattr) Path() []byte { return x.path }

// String returns attribute and file, as in "user.mime of /etc/motd".
func (x *Xattr) String() string {
	switch {
	case x == nil || len(x.name) == 0:
		return ""
	case len(x.path) == 0:
		return string(x.name[:len(x.name)-1])
	}
	return string(x.name[:len(x.name)-1]) + " of " + string(x.path[:len(x.path)-1])
}

// Getxattr returns a request to read the extended attribute name, say
// "user.mime", of the file path into value, like getxattr(2). N is the size of
// the attribute in bytes, and Bytes the value; an empty value only asks for the
// size. The kernel owns value until the terminal completion. Symbolic links are
// followed.
//
// ENODATA tells that there is no such attribute, ERANGE that value is too short,
// EOPNOTSUPP that the file system has none. A name that is empty, longer than 255
// bytes or contains a NUL is refused with ErrInvalid, and so is a path that Open
// refuses.
//
// Native from kernel 5.19 (io_uring_prep_getxattr(3)).
func Getxattr(path, name string, value []byte) Request {
	return xattrOfPath(CodeGetxattr, path, name, value, 0)
}

// Fgetxattr is Getxattr for the open file fd, like fgetxattr(2).
//
// Native from kernel 5.19 (io_uring_prep_fgetxattr(3)).
func Fgetxattr(fd int, name string, value []byte) Request {
	return xattr(CodeFgetxattr, fd, nil, name, value, 0)
}

// Setxattr returns a request to set the extended attribute name of the file path
// to value, like setxattr(2). flags is 0, unix.XATTR_CREATE to fail with EEXIST
// where it exists, or unix.XATTR_REPLACE to fail with ENODATA where it does not.
// The kernel owns value until the terminal completion; it must not be changed
// before. E2BIG and ENOSPC tell that value is too long for kernel or file system.
// Names and paths are as with Getxattr.
//
// Native from kernel 5.19 (io_uring_prep_setxattr(3)).
func Setxattr(path, name string, value []byte, flags int) Request {
	return xattrOfPath(CodeSetxattr, path, name, value, flags)
}

// Fsetxattr is Setxattr for the open file fd, like fsetxattr(2).
//
// Native from kernel 5.19 (io_uring_prep_fsetxattr(3)).
func Fsetxattr(fd int, name string, value []byte, flags int) Request {
	return xattr(CodeFsetxattr, fd, nil, name, value, flags)
}

func xattrOfPath(code Code, path, name string, value []byte, flags int) Request {
	buf, err := cpath(path, false)
	if err != nil {
		return refuseErr(code, err)
	}
	return xattr(code, atFDCWD, buf, name, value, flags)
}

func xattr(code Code, fd int, path []byte, name string, value []byte, flags int) Request {
	buf, err := cpath(name, false)
	if err != nil || len(name) > xattrNameMax {
		return refuse(code, "attribute name of %d bytes: want 1 to %d, and no NUL among them", len(name), xattrNameMax)
	}
	return Request{Code: code, FD: fd32(fd), Buf: value, Flags: uint32(flags), Arg: &Xattr{buf, path}}
}

// validateXattr checks that the Xattr is there. It was made whole.
func (r *Request) validateXattr() error {
	x, ok := r.Arg.(*Xattr)
	withPath := r.Code == CodeGetxattr || r.Code == CodeSetxattr
	switch {
	case !ok || x == nil || len(x.name) == 0 || withPath != (len(x.path) != 0):
		return r.wrong("argument %T: want the *Xattr of a constructor", r.Arg)
	case r.Flags != 0 && (r.Code == CodeGetxattr || r.Code == CodeFgetxattr):
		return r.wrong("flags %#x: reading an attribute has none", r.Flags)
	}
	return nil
}
