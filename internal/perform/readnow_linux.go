package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadNow fills buf, which is not empty, from offset on if that takes no waiting for
// data: preadv2(2) with RWF_NOWAIT. It reports false if that is not known to be all
// that a read gives, and nothing has happened then: it would have to wait (EAGAIN),
// the file cannot be asked not to (EOPNOTSUPP), has no offsets (ESPIPE), or anything
// else failed, and a regular file gave less. That may be the part which is cached, and
// Linux 5.9 and 5.10 say 0 ahead of the end as well (readv(2), BUGS). What other files
// gave is gone from them, so it counts.
//
// With O_DIRECT it waits for the device nevertheless.
func ReadNow(fd int32, buf []byte, offset int64) (n int32, ok bool) {
	vector := unix.Iovec{Base: unsafe.SliceData(buf)}
	vector.SetLen(len(buf))
	res, _, errno := syscall.Syscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&vector)), 1,
		uintptr(offset), uintptr(offset>>32), unix.RWF_NOWAIT)
	if errno != 0 {
		return 0, false
	}
	if int(res) < len(buf) {
		var none Hint
		return int32(res), kindOf(fd, &none)&Regular == 0
	}
	return int32(res), true
}
