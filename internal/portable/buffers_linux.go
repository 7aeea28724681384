package portable

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

const efault = -int32(syscall.EFAULT)

// buffer is a registered buffer. Registering pins nothing: its owner keeps it.
type buffer struct{ addr, size uint64 }

// holds reports whether the n bytes at addr are inside b.
func (b buffer) holds(addr, n uint64) bool {
	return addr >= b.addr && n <= b.size && addr-b.addr <= b.size-n
}

// checkBuffer looks whether an entry that names a registered buffer stays inside it.
// It returns 0 or a negated errno.
func (e *Engine) checkBuffer(sqe *uring.SQE) int32 {
	switch sqe.Opcode {
	case uring.OpSendZC, uring.OpSendmsgZC:
		if sqe.Ioprio&uring.RecvSendFixedBuf == 0 {
			return 0
		}
	case uring.OpReadFixed, uring.OpWriteFixed, uring.OpReadvFixed, uring.OpWritevFixed:
	default:
		return 0
	}
	if int(sqe.BufIndex) >= len(e.buffers) || e.buffers[sqe.BufIndex] == (buffer{}) {
		return efault
	}
	b := e.buffers[sqe.BufIndex]
	if sqe.Opcode == uring.OpReadvFixed || sqe.Opcode == uring.OpWritevFixed {
		for _, v := range vectors(sqe.Addr, int(sqe.Len)) {
			if !b.holds(uint64(v[0]), uint64(v[1])) {
				return efault
			}
		}
		return 0
	}
	if sqe.Opcode != uring.OpSendmsgZC && !b.holds(sqe.Addr, uint64(sqe.Len)) {
		return efault
	}
	return 0
}

// vectors returns n iovecs.
func vectors(addr uint64, n int) [][2]uintptr {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(at[[2]uintptr](addr), n)
}

// lengthOf returns how many bytes n iovecs have.
func lengthOf(addr uint64, n int) (sum uint64) {
	for _, v := range vectors(addr, n) {
		sum += uint64(v[1])
	}
	return sum
}

// lengthOfMessage returns how many bytes a message has.
func lengthOfMessage(addr uint64) uint64 {
	h := at[unix.Msghdr](addr)
	return lengthOf(uint64(uintptr(unsafe.Pointer(h.Iov))), int(h.Iovlen))
}

// place is struct io_uring_buf. The ring's tail lies over the end of the first one.
type place struct {
	addr uint64
	size uint32
	id   uint16
	_    uint16
}

// group is a ring of provided buffers: the application adds at the tail, the Engine
// takes at the head.
type group struct {
	places []place
	word   *uint32 // id and tail of the first place
	head   uint16
	inc    bool // a buffer may be taken in parts
}

// first returns the place at the head, or nil.
func (g *group) first() *place {
	if word := atomic.LoadUint32(g.word); (*[2]uint16)(unsafe.Pointer(&word))[1] == g.head {
		return nil
	}
	return &g.places[int(g.head)&(len(g.places)-1)]
}

// id returns the number of p's buffer, which shares a word with the tail, that
// others write.
func (g *group) id(p *place) uint16 {
	if p != &g.places[0] {
		return p.id
	}
	word := atomic.LoadUint32(g.word)
	return (*[2]uint16)(unsafe.Pointer(&word))[0]
}

// pick shows q's call the buffer that is next. It is taken by commit.
func (e *Engine) pick(q *request) bool {
	g := e.groups[q.call.SQE.BufIndex]
	if g == nil {
		return false
	}
	p := g.first()
	if p == nil {
		return false
	}
	q.call.Buf, q.call.BufLen = p.addr, p.size
	return true
}

// reserve takes the buffer that is next for q alone, whole: for a worker, or since a
// part of it is filled.
func (e *Engine) reserve(q *request) bool {
	if !e.pick(q) {
		return false
	}
	g := e.groups[q.call.SQE.BufIndex]
	q.group, q.buffer = g, g.id(g.first())
	g.head++
	return true
}

// commit takes what q's call has filled, and returns the flags of the completion. A
// call that brought nothing leaves the buffer where it is.
func (e *Engine) commit(q *request, res int32) (flags uint32) {
	if q.group != nil {
		flags = uring.CQEFlagBuffer | uint32(q.buffer)<<uring.CQEBufferShift
		q.group = nil
		return flags
	}
	if res <= 0 {
		return 0
	}
	g := e.groups[q.call.SQE.BufIndex]
	p := g.first()
	flags = uring.CQEFlagBuffer | uint32(g.id(p))<<uring.CQEBufferShift
	if n := uint32(res); g.inc && n < p.size {
		p.addr, p.size = p.addr+uint64(n), p.size-n
		return flags | uring.CQEFlagBufMore
	}
	g.head++
	return flags
}
