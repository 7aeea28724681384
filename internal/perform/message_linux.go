package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file has sends and receives of messages: sendmsg(2) and recvmsg(2).

func (c *Call) message() bool {
	switch c.SQE.Opcode {
	case uring.OpSendmsg, uring.OpSendmsgZC, uring.OpRecvmsg:
		return true
	}
	return false
}

// header returns the entry's message header.
func (c *Call) header() *unix.Msghdr { return (*unix.Msghdr)(pointer(&c.SQE.Addr)) }

func iovecs(h *unix.Msghdr) [][2]uintptr {
	return unsafe.Slice((*[2]uintptr)(unsafe.Pointer(h.Iov)), int(h.Iovlen))
}

// socketMessage makes one system call.
func (c *Call) socketMessage(flags uint32) int32 {
	call := uintptr(unix.SYS_SENDMSG)
	if c.SQE.Opcode == uring.OpRecvmsg {
		call = unix.SYS_RECVMSG
		if c.SQE.Flags&uring.SQEFlagBufferSelect != 0 {
			return c.recvSelected(flags)
		}
	} else {
		flags |= unix.MSG_NOSIGNAL
	}
	if c.done == 0 {
		return result(syscall.Syscall(call, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(flags)))
	}
	// What is left, and the ancillary data was in the first part.
	h := unix.Msghdr{Name: c.header().Name, Namelen: c.header().Namelen}
	rest := skip(iovecs(c.header()), c.done)
	setVectors(&h, rest)
	res := result(syscall.Syscall(call, uintptr(c.FD), uintptr(unsafe.Pointer(&h)), uintptr(flags)))
	if res >= 0 && c.SQE.Opcode == uring.OpRecvmsg {
		c.header().Flags |= h.Flags
	}
	return res
}

func setVectors(h *unix.Msghdr, v [][2]uintptr) {
	h.Iov = (*unix.Iovec)(unsafe.Pointer(unsafe.SliceData(v)))
	h.SetIovlen(len(v))
}

// recvOut is struct io_uring_recvmsg_out, which lies at the start of a selected
// buffer, ahead of room for the address, room for ancillary data, and the data.
type recvOut struct {
	name, control, payload, flags uint32
}

const recvOutSize = uint32(unsafe.Sizeof(recvOut{}))

// recvRoom returns how much of a selected buffer is not for data.
func (c *Call) recvRoom() uint32 {
	if c.SQE.Ioprio&uring.RecvMultishot == 0 {
		return 0
	}
	h := c.header()
	return recvOutSize + h.Namelen + uint32(h.Controllen)
}

// recvSelected receives a message into the selected buffer; a multishot receive
// puts everything there and leaves the entry's header alone.
func (c *Call) recvSelected(flags uint32) int32 {
	theirs, room := c.header(), c.recvRoom()
	if room > c.BufLen {
		return failed(unix.EFAULT)
	}
	size := c.BufLen - room
	if room == 0 && len(iovecs(theirs)) == 1 && iovecs(theirs)[0][1] != 0 {
		size = min(size, uint32(iovecs(theirs)[0][1]))
	}
	c.vector = [2]uintptr{uintptr(c.Buf) + uintptr(room), uintptr(size)}
	h := *theirs
	h.Iov = (*unix.Iovec)(unsafe.Pointer(&c.vector))
	h.SetIovlen(1)
	if room == 0 {
		res := result(syscall.Syscall(unix.SYS_RECVMSG, uintptr(c.FD), uintptr(unsafe.Pointer(&h)), uintptr(flags)))
		theirs.Namelen, theirs.Controllen, theirs.Flags = h.Namelen, h.Controllen, h.Flags
		return res
	}
	out := (*recvOut)(pointer(&c.Buf))
	if theirs.Namelen != 0 {
		h.Name = (*byte)(unsafe.Add(unsafe.Pointer(out), recvOutSize))
	}
	if theirs.Controllen != 0 {
		h.Control = (*byte)(unsafe.Add(unsafe.Pointer(out), recvOutSize+theirs.Namelen))
	}
	res := result(syscall.Syscall(unix.SYS_RECVMSG, uintptr(c.FD), uintptr(unsafe.Pointer(&h)), uintptr(flags)))
	if res < 0 {
		return res
	}
	*out = recvOut{h.Namelen, uint32(h.Controllen), uint32(res), uint32(h.Flags)}
	return int32(room + min(uint32(res), size)) // with MSG_TRUNC, res is what there was
}

// Last reports whether res, which a step of a multishot entry has given, is the
// last: an error, or the end of what is read or received.
func (c *Call) Last(res int32) bool {
	switch c.SQE.Opcode {
	case uring.OpAccept:
		return res < 0
	case uring.OpRecvmsg:
		return res <= int32(c.recvRoom())
	}
	return res <= 0
}
