package ops

import "math"

// Fadvise returns a request to tell how length bytes of fd from byte off on will
// be used, like posix_fadvise(2): advice is unix.FADV_SEQUENTIAL, FADV_WILLNEED,
// FADV_DONTNEED and the like. A length of 0 reaches to the end of the file. It is
// advice: success promises nothing. A negative off or length is refused with
// ErrInvalid; ESPIPE is the answer for pipes, EINVAL for unknown advice.
//
// Native from kernel 5.6, for 4 GiB and more from 6.11 (io_uring_prep_fadvise(3)).
func Fadvise(fd int, off, length int64, advice int) Request {
	return Request{Code: CodeFadvise, FD: fd32(fd), Offset: off, Offset2: length, Flags: uint32(advice)}
}

// Madvise returns a request to tell how memory will be used, or to have it
// changed, like madvise(2): advice is unix.MADV_WILLNEED, MADV_DONTNEED,
// MADV_POPULATE_WRITE and the like. memory must come from mmap(2) and begin at a
// page, else EINVAL. It must not come from the Go heap, from which MADV_DONTNEED
// would take the contents. It must stay mapped until the terminal completion.
//
// Native from kernel 5.6, for 4 GiB and more from 6.11 (io_uring_prep_madvise(3)).
func Madvise(memory []byte, advice int) Request {
	return Request{Code: CodeMadvise, FD: -1, Buf: memory, Flags: uint32(advice)}
}

// SyncFileRange returns a request to write out length bytes of fd's data from
// byte off on, like sync_file_range(2); a length of 0 reaches to the end of the
// file. flags says what to do and wait for: unix.SYNC_FILE_RANGE_WAIT_BEFORE,
// SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER. No metadata is written and no
// disk's cache is flushed, so this makes nothing durable: Fdatasync does. A
// negative off, and a length that is negative or above 4 GiB - 1, which is the
// kernel's limit here, is refused with ErrInvalid.
//
// Native from kernel 5.2 (io_uring_prep_sync_file_range(3)).
func SyncFileRange(fd int, off, length int64, flags int) Request {
	return Request{Code: CodeSyncFileRange, FD: fd32(fd), Offset: off, Offset2: length, Flags: uint32(flags)}
}

// validateRange checks a range of a file whose length may be 0.
func (r *Request) validateRange() error {
	switch {
	case r.Offset < 0 || r.Offset2 < 0:
		return r.wrong("offset %d, length %d: want neither negative", r.Offset, r.Offset2)
	case r.Code == CodeSyncFileRange && r.Offset2 > math.MaxUint32:
		return r.wrong("length %d: want 4 GiB - 1 at most, or 0 for all", r.Offset2)
	}
	return nil
}
