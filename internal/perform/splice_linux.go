package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file has splice(2) and tee(2).

// spliceInFixed is SPLICE_F_FD_IN_FIXED, which is about where FDIn was looked up.
const spliceInFixed = 1 << 31

// trySplice moves what can be moved without waiting. SPLICE_F_NONBLOCK is about the
// pipes alone: a socket follows its own O_NONBLOCK, and a file has to be read. So
// it is done here where both ends have O_NONBLOCK and can be waited for.
func (c *Call) trySplice() (int32, Next) {
	if c.SQE.Len == 0 {
		return c.nothing(), Done
	}
	if !promptly(c.FDIn, &c.HintIn) || !promptly(c.FD, &c.Hint) {
		return c.awaitSplice()
	}
	asked := c.SQE.OpFlags&unix.SPLICE_F_NONBLOCK != 0
	for range spliceTries {
		res := c.splice(unix.SPLICE_F_NONBLOCK)
		switch {
		case res == eintr:
			return 0, Worker
		case res != eagain || asked:
			return res, Done
		case !ready(c.FDIn, WaitIn):
			return 0, WaitInput
		case !ready(c.FD, WaitOut):
			return 0, WaitOut
		}
		// What was not ready has become so. To wait for it is to wait for the next time.
	}
	return 0, Worker
}

// spliceTries is how often a splice may find both ends ready only after it has failed.
const spliceTries = 3

// promptly reports whether a splice from or to fd does not wait for it.
func promptly(fd int32, h *Hint) bool {
	return kindOf(fd, h)&Pollable != 0 && blockingOf(fd, h)&NonBlocking != 0
}

// awaitSplice waits for both ends, so that a worker is not held for as long as
// nothing comes.
func (c *Call) awaitSplice() (int32, Next) {
	switch {
	case c.SQE.OpFlags&unix.SPLICE_F_NONBLOCK != 0, !c.sound():
	case c.HintIn&Regular == 0 && !ready(c.FDIn, WaitIn):
		return 0, WaitInput
	case c.Hint&Regular == 0 && !ready(c.FD, WaitOut):
		return 0, WaitOut
	}
	return 0, Worker
}

// sound reports whether there is something to wait for: what cannot be spliced has
// its error at once.
func (c *Call) sound() bool {
	var in, out unix.Stat_t
	if unix.Fstat(int(c.FDIn), &in) != nil || unix.Fstat(int(c.FD), &out) != nil {
		return false
	}
	from, errIn := unix.FcntlInt(uintptr(c.FDIn), unix.F_GETFL, 0)
	to, errOut := unix.FcntlInt(uintptr(c.FD), unix.F_GETFL, 0)
	fifoIn, fifoOut := in.Mode&unix.S_IFMT == unix.S_IFIFO, out.Mode&unix.S_IFMT == unix.S_IFIFO
	positioned := fifoIn && int64(c.SQE.Addr) != -1 || fifoOut && int64(c.SQE.Off) != -1
	switch {
	case errIn != nil || from&unix.O_ACCMODE == unix.O_WRONLY:
	case errOut != nil || to&unix.O_ACCMODE == unix.O_RDONLY:
	case fifoIn && fifoOut && in.Dev == out.Dev && in.Ino == out.Ino: // the same pipe
	case c.SQE.Opcode == uring.OpTee:
		return fifoIn && fifoOut
	default:
		return (fifoIn || fifoOut) && !positioned
	}
	return false
}

// doSplice splices and waits for it. EAGAIN, though the entry did not ask for it, tells
// that both ends are ready and nothing moves: there is an urgent byte in the way
// (tcp(7)). To try on would be a loop that no signal ends.
func (c *Call) doSplice() int32 {
	for range spliceTries {
		res := c.splice(0)
		if res != eagain || c.SQE.OpFlags&unix.SPLICE_F_NONBLOCK != 0 {
			return res
		}
		// One of them has O_NONBLOCK. It is the one that is not ready.
		for !ready(c.FDIn, WaitIn) || !ready(c.FD, WaitOut) {
			if res = poll(c.FDIn, WaitIn, -1); res == 1 {
				res = poll(c.FD, WaitOut, -1)
			}
			if res != 1 {
				return res
			}
		}
	}
	return eagain
}

// splice makes one system call, with more flags than the entry has.
func (c *Call) splice(flags uint32) int32 {
	flags |= c.SQE.OpFlags &^ spliceInFixed
	if c.SQE.Len == 0 {
		return c.nothing()
	}
	if c.SQE.Opcode == uring.OpTee {
		return result(syscall.Syscall6(unix.SYS_TEE, uintptr(c.FDIn), uintptr(c.FD), uintptr(c.SQE.Len), uintptr(flags), 0, 0))
	}
	in, out := int64(c.SQE.Addr), int64(c.SQE.Off)
	var inAt, outAt *int64 // nil for the current position
	if in != -1 {
		inAt = &in
	}
	if out != -1 {
		outAt = &out
	}
	return result(syscall.Syscall6(unix.SYS_SPLICE, uintptr(c.FDIn), uintptr(unsafe.Pointer(inAt)),
		uintptr(c.FD), uintptr(unsafe.Pointer(outAt)), uintptr(c.SQE.Len), uintptr(flags)))
}

// nothing is splice for no bytes: the system call does not look whether there
// are such descriptors, the ring does.
func (c *Call) nothing() int32 {
	for _, fd := range []int32{c.FD, c.FDIn} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return outcome(err)
		}
	}
	return 0
}
