package ops

// Splice returns a request to move up to n bytes from fdIn to fdOut without
// copying them through user space, like splice(2). One of the two must be a
// pipe; two splices with a pipe between them do what sendfile(2) does. An offset
// is a byte offset in a file, or Current for its position; for a pipe it must be
// Current. flags are SPLICE_F flags, such as unix.SPLICE_F_MOVE.
//
// N is the number of bytes moved, which may be fewer than n; 0 is the end of the
// input. More than MaxTransfer bytes are cut to that. A negative n, and offsets
// below Current, are refused with ErrInvalid. EINVAL means that neither side is a
// pipe, or that one of the files cannot splice.
//
// A splice from a TCP socket does not get past a byte that was sent with MSG_OOB, but
// Recv does. N is 0 there as well if the socket blocks; with O_NONBLOCK the request goes
// on trying, and keeps a processor busy, until it is cancelled.
//
// Native from kernel 5.7 (io_uring_prep_splice(3)).
func Splice(fdIn int, offIn int64, fdOut int, offOut int64, n int, flags int) Request {
	if n < 0 {
		return refuse(CodeSplice, "length %d is negative", n)
	}
	return Request{
		Code: CodeSplice, FD: fd32(fdOut), Offset: offOut, FD2: fd32(fdIn), Offset2: offIn,
		Len: uint32(min(n, MaxTransfer)), Flags: uint32(flags),
	}
}

// Tee returns a request to duplicate up to n bytes from the pipe fdIn to the
// pipe fdOut, like tee(2): they remain to be read from fdIn. N is the number of
// bytes duplicated; 0 means that there will be none, since no writer is left.
// flags are SPLICE_F flags. Lengths are as with Splice.
//
// Native from kernel 5.8 (io_uring_prep_tee(3)).
func Tee(fdIn, fdOut int, n int, flags int) Request {
	if n < 0 {
		return refuse(CodeTee, "length %d is negative", n)
	}
	return Request{
		Code: CodeTee, FD: fd32(fdOut), FD2: fd32(fdIn),
		Len: uint32(min(n, MaxTransfer)), Flags: uint32(flags),
	}
}
