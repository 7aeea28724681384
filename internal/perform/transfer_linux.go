package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// This file has reads and writes: preadv2(2) and pwritev2(2), which take offsets,
// positions and flags as the ring does.

// direction tells which way a transfer goes.
type direction struct {
	call     uintptr // the system call's number
	wait     Next
	noNowait Hint
}

var (
	reads  = direction{unix.SYS_PREADV2, WaitIn, NoNowaitRead}
	writes = direction{unix.SYS_PWRITEV2, WaitOut, NoNowaitWrite}
)

func (c *Call) direction() *direction {
	switch c.SQE.Opcode {
	case uring.OpWrite, uring.OpWritev, uring.OpWriteFixed, uring.OpWritevFixed:
		return &writes
	}
	return &reads
}

// tryTransfer reads or writes what can be without waiting.
func (c *Call) tryTransfer() (int32, Next) {
	d := c.direction()
	asked := c.SQE.OpFlags&unix.RWF_NOWAIT != 0
	if c.Hint&d.noNowait != 0 && !asked {
		return c.tryPlain(d)
	}
	for {
		res := c.transfer(d, unix.RWF_NOWAIT)
		if res > 0 && c.goesOn(res) {
			continue
		}
		switch {
		case asked && res == eopnotsupp && c.isNonblocking():
			// A pipe that was spliced has forgotten the flag (trap 43), and does as well
			// without it.
			c.SQE.OpFlags &^= unix.RWF_NOWAIT
			if res = c.transfer(d, 0); res > 0 {
				c.done += res
			}
		case asked:
		case res == eagain:
			return c.unready(d)
		case res == eopnotsupp:
			// The file cannot be asked not to wait, or other flags are wrong, which
			// the call without this one tells.
			c.Hint |= d.noNowait
			return c.tryPlain(d)
		case res == eintr:
			return 0, Worker
		}
		return c.finish(res), Done
	}
}

// unready says what a transfer needs that would have waited.
func (c *Call) unready(d *direction) (int32, Next) {
	if c.isRegular() {
		return 0, Worker
	}
	return 0, d.wait
}

// tryPlain is tryTransfer for files that know no RWF_NOWAIT. Only O_NONBLOCK keeps
// these from waiting; without it a call that is ready now may still block, when
// somebody else takes the data first (trap 16).
func (c *Call) tryPlain(d *direction) (int32, Next) {
	if c.isRegular() {
		return 0, Worker
	}
	if !c.isNonblocking() {
		if ready(c.FD, d.wait) {
			return 0, Worker
		}
		return 0, d.wait
	}
	res := c.transfer(d, 0)
	switch {
	case res > 0:
		c.done += res
	case res == eagain:
		return 0, d.wait
	case res == eintr:
		return 0, Worker
	}
	return c.finish(res), Done
}

// doTransfer reads or writes and waits for it.
func (c *Call) doTransfer() int32 {
	d := c.direction()
	asked := c.SQE.OpFlags&unix.RWF_NOWAIT != 0
	for {
		res := c.transfer(d, 0)
		if res > 0 && c.goesOn(res) {
			continue
		}
		if res == eagain && !asked { // it has O_NONBLOCK
			if !c.isRegular() {
				if res = poll(c.FD, d.wait, -1); res == 1 {
					continue
				}
			}
		}
		if res == eintr {
			return res
		}
		return c.finish(res)
	}
}

// goesOn counts n bytes and reports whether the transfer goes on after them: of a
// regular file it does, for as long as there is something left to transfer.
func (c *Call) goesOn(n int32) bool {
	c.done += n
	if c.done >= c.size() {
		return false
	}
	return c.isRegular()
}

// size returns how many bytes the transfer is to have.
func (c *Call) size() int32 {
	if !c.vectored() {
		_, n := c.buffer()
		return int32(min(n, ops.MaxTransfer))
	}
	var sum uint64
	for _, v := range c.vectors() {
		sum = min(sum+uint64(v[1]), ops.MaxTransfer)
	}
	return int32(sum)
}

// buffer returns the address and size of what is read into or written from.
func (c *Call) buffer() (addr uint64, size uint32) {
	addr, size = c.SQE.Addr, c.SQE.Len
	if c.SQE.Flags&uring.SQEFlagBufferSelect != 0 {
		addr = c.Buf
		if size == 0 || size > c.BufLen {
			size = c.BufLen
		}
	}
	return addr, size
}

func (c *Call) vectored() bool {
	switch c.SQE.Opcode {
	case uring.OpReadv, uring.OpWritev, uring.OpReadvFixed, uring.OpWritevFixed:
		return true
	}
	return false
}

// vectors returns the entry's iovecs.
func (c *Call) vectors() [][2]uintptr {
	return unsafe.Slice((*[2]uintptr)(pointer(&c.SQE.Addr)), c.SQE.Len)
}

// transfer makes one system call, with more flags than the entry has.
func (c *Call) transfer(d *direction, flags uint32) int32 {
	flags |= c.SQE.OpFlags
	const current = 1<<64 - 1 // position
	offset := c.SQE.Off
	switch {
	case c.Hint&Stream != 0:
		offset = current
	case offset != current:
		offset += uint64(c.done)
	}
	res := c.call(d, offset, flags)
	if res != espipe || offset == current {
		return res
	}
	// A ring takes no notice of the offset where there are none, except that sockets
	// refuse all but the first.
	if !isSocket(c.FD) {
		c.Hint |= Stream
	} else if offset != 0 {
		return res
	}
	return c.call(d, current, flags)
}

func (c *Call) call(d *direction, offset uint64, flags uint32) int32 {
	low, high := uintptr(offset), uintptr(offset>>32)
	if c.vectored() {
		iov, n := uintptr(c.SQE.Addr), uintptr(c.SQE.Len)
		if c.done == 0 {
			return result(syscall.Syscall6(d.call, uintptr(c.FD), iov, n, low, high, uintptr(flags)))
		}
		rest := c.rest()
		return result(syscall.Syscall6(d.call, uintptr(c.FD),
			uintptr(unsafe.Pointer(unsafe.SliceData(rest))), uintptr(len(rest)), low, high, uintptr(flags)))
	}
	addr, size := c.buffer()
	c.vector = [2]uintptr{uintptr(addr) + uintptr(c.done), uintptr(size) - uintptr(c.done)}
	return result(syscall.Syscall6(d.call, uintptr(c.FD),
		uintptr(unsafe.Pointer(&c.vector)), 1, low, high, uintptr(flags)))
}

// rest returns the iovecs of what has not been transferred.
func (c *Call) rest() [][2]uintptr { return skip(c.vectors(), c.done) }

// skip returns iovecs without their first n bytes.
func skip(vectors [][2]uintptr, n int32) (rest [][2]uintptr) {
	left := uintptr(n)
	for _, v := range vectors {
		past := min(left, v[1])
		left -= past
		if past < v[1] {
			rest = append(rest, [2]uintptr{v[0] + past, v[1] - past})
		}
	}
	return rest
}
