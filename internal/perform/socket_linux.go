package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file has sends and receives of one buffer, sendto(2) and recvfrom(2), and
// what they have in common with those of messages.

// socketWait returns what a send or receive waits for.
func (c *Call) socketWait() Next {
	switch c.SQE.Opcode {
	case uring.OpRecv, uring.OpRecvmsg:
		return WaitIn
	}
	return WaitOut
}

// trySocket sends or receives without waiting.
func (c *Call) trySocket() (int32, Next) {
	if c.SQE.Ioprio&uring.RecvSendPollFirst != 0 && !c.begun {
		c.begun = true
		return 0, c.socketWait()
	}
	for {
		res := c.socket(unix.MSG_DONTWAIT)
		if res > 0 && c.all(res) {
			continue
		}
		switch {
		case res == eagain && c.SQE.OpFlags&unix.MSG_DONTWAIT == 0:
			return 0, c.socketWait()
		case res == eintr:
			return 0, Worker
		}
		return c.finish(res), Done
	}
}

// doSocket sends or receives and waits for it.
func (c *Call) doSocket() int32 {
	for {
		res := c.socket(0)
		if res > 0 && c.all(res) {
			continue
		}
		if res == eagain && c.SQE.OpFlags&unix.MSG_DONTWAIT == 0 { // it has O_NONBLOCK
			if c.socketWait() == WaitIn && shut(c.FD) {
				return c.finish(0) // which a datagram socket tells only those who wait
			}
			if res = poll(c.FD, c.socketWait(), -1); res == 1 {
				continue
			}
		}
		if res == eintr {
			return res
		}
		return c.finish(res)
	}
}

// all counts n bytes and reports whether the call goes on after them: with
// MSG_WAITALL it does, on sockets whose bytes come in order, until all are there.
func (c *Call) all(n int32) bool {
	c.done += n
	if c.SQE.OpFlags&unix.MSG_WAITALL == 0 || uint64(c.done) >= c.socketSize() {
		return false
	}
	kind, err := unix.GetsockoptInt(int(c.FD), unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && (kind == unix.SOCK_STREAM || kind == unix.SOCK_SEQPACKET)
}

func (c *Call) socketSize() (sum uint64) {
	if !c.message() {
		_, size := c.buffer()
		return uint64(size)
	}
	for _, v := range iovecs(c.header()) {
		sum += uint64(v[1])
	}
	return sum
}

// socket makes one system call, with more flags than the entry has. A broken
// connection is an error and no SIGPIPE, as on a ring.
func (c *Call) socket(flags uint32) int32 {
	flags |= c.SQE.OpFlags
	if c.message() {
		return c.socketMessage(flags)
	}
	addr, size := c.buffer()
	addr, size = addr+uint64(c.done), size-uint32(c.done)
	if c.SQE.Opcode == uring.OpRecv {
		return result(syscall.Syscall6(unix.SYS_RECVFROM, uintptr(c.FD), uintptr(addr), uintptr(size), uintptr(flags), 0, 0))
	}
	return result(syscall.Syscall6(unix.SYS_SENDTO, uintptr(c.FD), uintptr(addr), uintptr(size),
		uintptr(flags|unix.MSG_NOSIGNAL), uintptr(c.SQE.Off), uintptr(lowHalf(c.SQE.FileIndex))))
}

// lowHalf returns the first two bytes in memory of a word.
func lowHalf(n uint32) uint32 {
	if cpu.IsBigEndian {
		return n >> 16
	}
	return n & 0xffff
}

// pointer returns what an address in an entry points to: memory that the entry's
// owner keeps reachable, and that does not move.
func pointer(addr *uint64) unsafe.Pointer {
	a := uintptr(*addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&a))
}
