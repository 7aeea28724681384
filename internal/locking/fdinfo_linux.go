package locking

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// holds reports whether the open file description has a lock already that this
// operation would change. The kernel tells in /proc; where that is not mounted,
// the answer is no.
func (op *operation) holds() bool {
	fd, err := unix.Open("/proc/self/fdinfo/"+strconv.Itoa(int(op.fd)), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var room [2048]byte
	text := room[:0]
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := unix.Read(fd, text[len(text):cap(text)])
		if err != nil || n == 0 {
			break
		}
		text = text[:len(text)+n]
	}
	for len(text) != 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		if op.matches(bytes.Fields(line)) {
			return true
		}
	}
	return false
}

// matches reports whether a line of fdinfo is about such a lock:
//
//	lock: 1: OFDLCK ADVISORY WRITE -1 00:13:11691 0 EOF
func (op *operation) matches(f [][]byte) bool {
	if len(f) != 9 || string(f[0]) != "lock:" {
		return false
	}
	switch string(f[2]) {
	case "FLOCK":
		return op.code == ops.CodeFlock
	case "OFDLCK":
		start, _ := strconv.ParseInt(string(f[7]), 10, 64)
		end := int64(toEnd)
		if last, err := strconv.ParseInt(string(f[8]), 10, 64); err == nil && last < toEnd {
			end = last + 1
		}
		return op.code == ops.CodeOFDLock && start < op.end && op.start < end
	}
	return false
}
