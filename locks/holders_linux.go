package locks

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Held describes a lock on a file, as /proc/locks lists it (proc_locks(5)).
type Held struct {
	Kind string // "FLOCK", "POSIX" (record), "OFDLCK", or "LEASE" and others
	Holder
	Waiting bool // it is not held: somebody waits for it in the kernel
}

// Holders lists the locks of all kinds on the file that fd names, and who waits for
// them in the kernel, by reading /proc/locks. It is meant for people: it takes as
// long as there are locks on the system, and leaves out processes of other PID
// namespaces. Where there are more locks than some 80, it may show a mixture of moments,
// and miss one. It does not need a Ring.
func Holders(fd int) ([]Held, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("locks of fd %d: %w", fd, err)
	}
	text, err := readPieces("/proc/locks")
	if err != nil {
		return nil, fmt.Errorf("locks of fd %d: %w", fd, err)
	}
	dev := uint64(st.Dev) // 32 bits on some architectures
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(dev), unix.Minor(dev), st.Ino)
	var held []Held
	for _, line := range bytes.Split(text, []byte("\n")) {
		if h, ok := parseLock(bytes.Fields(line), file); ok {
			held = append(held, h)
		}
	}
	return held, nil
}

// readPieces reads a file of /proc in as large pieces as the kernel hands out, which
// are of one moment each and end at 4 KiB. What comes or goes between two of them shifts
// the rest, and os.ReadFile begins with pieces of 512 bytes.
func readPieces(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	piece := make([]byte, 64<<10)
	for {
		n, err := f.Read(piece)
		text = append(text, piece[:n]...)
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// parseLock reads a line of /proc/locks, if it is about that file:
//
//	1: FLOCK ADVISORY WRITE 359 00:13:11691 0 EOF
//	1: -> FLOCK ADVISORY WRITE 360 00:13:11691 0 EOF
func parseLock(f [][]byte, file string) (h Held, ok bool) {
	if len(f) == 9 && string(f[1]) == "->" {
		h.Waiting = true
		f = f[1:]
	}
	if len(f) != 8 || string(f[5]) != file {
		return h, false
	}
	h.Kind, h.Exclusive = string(f[1]), string(f[3]) == "WRITE"
	h.Pid, _ = strconv.Atoi(string(f[4]))
	h.Start, _ = strconv.ParseInt(string(f[6]), 10, 64)
	if last, err := strconv.ParseInt(string(f[7]), 10, 64); err == nil {
		h.Length = last - h.Start + 1
	}
	return h, true
}
