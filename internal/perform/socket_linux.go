package perform

import (
	"syscall"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file has sends and receives of one buffer: sendto(2) and recvfrom(2).

// trySocket sends or receives without waiting.
func (c *Call) trySocket() (int32, Next) {
	wait := WaitIn
	if c.SQE.Opcode == uring.OpSend {
		wait = WaitOut
	}
	if c.SQE.Ioprio&uring.RecvSendPollFirst != 0 && !c.begun {
		c.begun = true
		return 0, wait
	}
	for {
		res := c.socket(unix.MSG_DONTWAIT)
		if res > 0 && c.all(res) {
			continue
		}
		switch {
		case res == eagain && c.SQE.OpFlags&unix.MSG_DONTWAIT == 0:
			return 0, wait
		case res == eintr:
			return 0, Worker
		}
		return c.finish(res), Done
	}
}

// doSocket sends or receives and waits for it.
func (c *Call) doSocket() int32 {
	wait := WaitIn
	if c.SQE.Opcode == uring.OpSend {
		wait = WaitOut
	}
	for {
		res := c.socket(0)
		if res > 0 && c.all(res) {
			continue
		}
		if res == eagain && c.SQE.OpFlags&unix.MSG_DONTWAIT == 0 { // it has O_NONBLOCK
			if res = poll(c.FD, wait, -1); res == 1 {
				continue
			}
		}
		if res == eintr {
			return res
		}
		return c.finish(res)
	}
}

// all counts n bytes and reports whether the call goes on after them, until all
// are there.
func (c *Call) all(n int32) bool {
	c.done += n
	if c.SQE.OpFlags&unix.MSG_WAITALL == 0 {
		return false
	}
	if _, size := c.buffer(); uint32(c.done) >= size {
		return false
	}
	return connected(c.FD)
}

// connected reports whether fd is a socket whose bytes come in order, so that what
// one call did not bring is in the next.
func connected(fd int32) bool {
	kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && (kind == unix.SOCK_STREAM || kind == unix.SOCK_SEQPACKET)
}

// socket makes one system call, with more flags than the entry has. A broken
// connection is an error and no SIGPIPE, as on a ring.
func (c *Call) socket(flags uint32) int32 {
	flags |= c.SQE.OpFlags
	addr, size := c.buffer()
	addr, size = addr+uint64(c.done), size-uint32(c.done)
	if c.SQE.Opcode == uring.OpRecv {
		r, _, e := syscall.Syscall6(unix.SYS_RECVFROM, uintptr(c.FD), uintptr(addr), uintptr(size), uintptr(flags), 0, 0)
		return result(r, e)
	}
	r, _, e := syscall.Syscall6(unix.SYS_SENDTO, uintptr(c.FD), uintptr(addr), uintptr(size),
		uintptr(flags|unix.MSG_NOSIGNAL), uintptr(c.SQE.Off), uintptr(lowHalf(c.SQE.FileIndex)))
	return result(r, e)
}

// lowHalf returns the first two bytes in memory of a word.
func lowHalf(n uint32) uint32 {
	if cpu.IsBigEndian {
		return n >> 16
	}
	return n & 0xffff
}
