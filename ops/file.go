package ops

// Read returns a request to read up to len(buf) bytes from fd at byte offset
// off into buf, like pread(2); with off Current it is read(2), and moves the
// file's position. N is the number of bytes read: it may be short, and 0 is the
// end of the file. The kernel owns buf until the terminal completion. A nil or
// empty buf reads 0 bytes; one longer than MaxTransfer is read up to that. Offsets
// below Current are refused with ErrInvalid. Several requests in flight that use
// the file's position race for it.
//
// Native from kernel 5.6 (io_uring_prep_read(3)).
func Read(fd int, buf []byte, off int64) Request {
	return Request{Code: CodeRead, FD: fd32(fd), Buf: buf, Offset: off}
}

// Write returns a request to write buf to fd at byte offset off, like
// pwrite(2); with off Current it is write(2), and moves the file's position. N
// is the number of bytes written, which may be fewer than len(buf). On a file
// opened with O_APPEND the offset is ignored. The kernel owns buf until the
// terminal completion; it must not be changed before. Buffers and offsets have
// the limits of Read.
//
// Native from kernel 5.6 (io_uring_prep_write(3)).
func Write(fd int, buf []byte, off int64) Request {
	return Request{Code: CodeWrite, FD: fd32(fd), Buf: buf, Offset: off}
}

// WithRWFlags returns a copy of r, a request made by Read, Write, Readv or
// Writev, with the RWF flags of preadv2(2) added, such as unix.RWF_NOWAIT,
// RWF_DSYNC or RWF_APPEND. Kernel and file system decide which they take; others
// end in EOPNOTSUPP or EINVAL. On another operation the result is refused with
// ErrInvalid.
func (r Request) WithRWFlags(flags int) Request {
	switch r.Code {
	case CodeRead, CodeWrite, CodeReadv, CodeWritev:
		r.Flags |= uint32(flags)
		return r
	case CodeInvalid:
		return r
	}
	return refuse(r.Code, "RWF flags are for reads and writes")
}

// Close returns a request to close fd, like close(2). fd is gone also when the
// completion reports an error such as EIO, which is then about data written
// earlier; ECANCELED alone leaves it open. Requests in flight on fd keep its file alive:
// cancel them, or wait for them, first.
//
// Native from kernel 5.6 (io_uring_prep_close(3)).
func Close(fd int) Request { return Request{Code: CodeClose, FD: fd32(fd)} }
