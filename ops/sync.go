package ops

// fsyncDatasync is IORING_FSYNC_DATASYNC, in Flags of a CodeFsync request.
const fsyncDatasync = 1 << 0

// Fsync returns a request to bring the data and metadata of fd to stable
// storage, like fsync(2). It covers what was written before the request started:
// writes that are still in flight need a chain, or their completion first.
// Errors are those of fsync(2): EIO, ENOSPC or EDQUOT for data written earlier,
// EINVAL for what cannot be synced.
//
// Native from kernel 5.1 (io_uring_prep_fsync(3)).
func Fsync(fd int) Request { return Request{Code: CodeFsync, FD: fd32(fd)} }

// Fdatasync is Fsync without the metadata that reading the data back does not
// need, such as time stamps: fdatasync(2).
//
// Native from kernel 5.1 (io_uring_prep_fsync(3)).
func Fdatasync(fd int) Request {
	return Request{Code: CodeFsync, FD: fd32(fd), Flags: fsyncDatasync}
}

// Fallocate returns a request to allocate, punch or zero length bytes of fd from
// byte off on, like fallocate(2); mode holds its FALLOC_FL flags, or 0 to
// allocate and extend. A negative off, or a length below 1, is refused with
// ErrInvalid. EOPNOTSUPP means that the file system cannot do it.
//
// Native from kernel 5.6 (io_uring_prep_fallocate(3)).
func Fallocate(fd int, mode uint32, off, length int64) Request {
	return Request{Code: CodeFallocate, FD: fd32(fd), Len: mode, Offset: off, Offset2: length}
}

// Ftruncate returns a request to set the size of fd to size bytes, like
// ftruncate(2): cutting the file, or extending it by a hole. A negative size is
// refused with ErrInvalid.
//
// Native from kernel 6.9 (io_uring_prep_ftruncate(3)).
func Ftruncate(fd int, size int64) Request {
	return Request{Code: CodeFtruncate, FD: fd32(fd), Offset: size}
}
