//go:build linux

package main

import "golang.org/x/sys/unix"

const (
	// pipeSize is what a pipe holds, and the most that is moved at a time: 256
	// pages, and fewer bytes where a page comes from a small packet.
	pipeSize = 1 << 20
	// extraSize is for the pipes beyond the reserve. Slow readers hold on to
	// these, and the kernel limits what all pipes of a user hold (pipe(7)).
	extraSize = 256 << 10
	// spliceFlags: move pages rather than copy them, and never wait for a pipe.
	spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK
)

// pipe is the kernel buffer between two descriptors: splice(2) moves data from
// a socket to a pipe, and from a pipe to a socket, without copying it.
//
// Its methods are system calls, not requests. The kernel hands every splice
// request on a ring to a worker thread. That is right where it may have to wait
// (see splice.go); here it costs two thread switches, and half as much again for
// a byte. These calls never wait: the ring has said that the socket is ready, and
// the socket has O_NONBLOCK.
type pipe struct {
	r, w int
	n    int // bytes inside
}

func newPipe(size int) (*pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	widen(fds[1], size)
	return &pipe{r: fds[0], w: fds[1]}, nil
}

// widen tries to make the pipe fd hold size bytes.
func widen(fd, size int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size) }

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// fill moves what src has into the pipe, and returns how much that was: 0 is
// the end of src.
func (p *pipe) fill(src int) (int, error) {
	n, err := splice(src, p.w, pipeSize)
	p.n += n
	return n, err
}

// copy is fill for what splice does not move: it stops for good at a byte that was
// sent with MSG_OOB, which with SO_OOBINLINE is read like any other.
func (p *pipe) copy(src int) (int, error) {
	var b [512]byte // an empty pipe takes it whole
	n, _, err := unix.Recvfrom(src, b[:], unix.MSG_DONTWAIT)
	if n <= 0 || err != nil {
		return 0, err
	}
	n, err = unix.Write(p.w, b[:n])
	p.n += max(n, 0)
	return n, err
}

// drain moves what is in the pipe to dst, as far as dst takes it.
func (p *pipe) drain(dst int) (int, error) {
	n, err := splice(p.r, dst, p.n)
	p.n -= n
	return n, err
}

// splice does not tell the Go scheduler of its call, as unix.Splice would. The call
// never waits, but moving a megabyte takes its time, in which the runtime's monitor
// may take the processor (P) away, to be had back by two switches of threads.
func splice(from, to, n int) (int, error) {
	for {
		moved, _, errno := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), spliceFlags)
		switch errno {
		case 0:
			return int(moved), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
