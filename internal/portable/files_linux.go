package portable

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/uring"
)

// file is an open file of the Engine's own: a registered one, or a duplicate for one
// request. The last to use it closes it.
type file struct {
	fd   int32
	hint perform.Hint
	refs int
}

// fileTable is the table of registered files.
type fileTable struct {
	slots    []*file // nil before there is a table
	low, end uint32  // the range that is given out by itself
	from     uint32  // where to look for a free place next
	spare    []*file // not in use
}

// get returns the file at index i for one more user, or nil.
func (t *fileTable) get(i uint32) *file {
	if i >= uint32(len(t.slots)) || t.slots[i] == nil {
		return nil
	}
	t.slots[i].refs++
	return t.slots[i]
}

// release is called when a user is done with f.
func (t *fileTable) release(e *Engine, f *file) {
	if f.refs--; f.refs == 0 {
		e.unregister(f.fd)
		_ = unix.Close(int(f.fd)) // it is ours; its errors were reported by fsync, if anybody asked
		*f = file{}
		t.spare = append(t.spare, f)
	}
}

// file returns a file for fd, with one user.
func (t *fileTable) file(fd int32) *file {
	n := len(t.spare)
	if n == 0 {
		return &file{fd: fd, refs: 1}
	}
	f := t.spare[n-1]
	t.spare = t.spare[:n-1]
	*f = file{fd: fd, refs: 1}
	return f
}

// unregister has epoll forget fd, which is about to be closed: were a duplicate left
// open, epoll would go on reporting it (trap 30).
func (e *Engine) unregister(fd int32) {
	if int(fd) < len(e.regs) && e.regs[fd] != nil && e.regs[fd].mask != 0 {
		reg := e.regs[fd]
		reg.mask, reg.accepter = 0, nil
		reg.gen++
		var none unix.EpollEvent
		_ = unix.EpollCtl(e.epoll, unix.EPOLL_CTL_DEL, int(fd), &none) // ENOENT, EBADF: it knows nothing of it
	}
}

// free returns a free place of those that are given out, or a negated errno.
func (t *fileTable) free() int32 {
	n := t.end - t.low
	for k := range n {
		i := t.low + (t.from+k)%n
		if t.slots[i] == nil {
			t.from = (t.from + k + 1) % n
			return int32(i)
		}
	}
	return -int32(syscall.ENFILE)
}

// put gives fd to the table: at index where-1, whose file it replaces, or, with
// FileIndexAlloc, at a free place, whose index is returned. On failure fd is closed.
func (t *fileTable) put(e *Engine, fd int32, where uint32) int32 {
	res := int32(0)
	switch {
	case where == uring.FileIndexAlloc:
		if res = t.free(); res >= 0 {
			t.slots[res] = t.file(fd)
		}
	case t.slots == nil:
		res = -int32(syscall.ENXIO)
	case where > uint32(len(t.slots)):
		res = einval
	default:
		t.empty(e, where-1)
		t.slots[where-1] = t.file(fd)
	}
	if res < 0 {
		_ = unix.Close(int(fd)) // it was opened for this and nobody knows it
	}
	return res
}

// empty takes the file at index i, if there is one, out of the table.
func (t *fileTable) empty(e *Engine, i uint32) bool {
	f := t.slots[i]
	if f == nil {
		return false
	}
	t.slots[i] = nil
	if i >= t.low && i < t.end {
		t.from = min(t.from, i-t.low)
	}
	t.release(e, f)
	return true
}

// close empties the table.
func (t *fileTable) close(e *Engine) {
	for i := range t.slots {
		t.empty(e, uint32(i))
	}
	*t = fileTable{}
}

// make creates a table of n places.
func (t *fileTable) make(n uint32) syscall.Errno {
	var limit unix.Rlimit
	switch {
	case t.slots != nil:
		return syscall.EBUSY
	case n == 0:
		return syscall.EINVAL
	case n > 1<<20:
		return syscall.EMFILE
	case unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && uint64(n) > limit.Cur:
		return syscall.EMFILE
	}
	t.slots = make([]*file, n)
	t.low, t.end, t.from = 0, n, 0
	return 0
}

// set replaces the file at index i by a duplicate of fd, or by none if that is -1.
func (t *fileTable) set(e *Engine, i uint32, fd int32) syscall.Errno {
	if i >= uint32(len(t.slots)) {
		return syscall.EINVAL
	}
	if fd < -1 {
		if fd == uring.RegisterFilesSkip {
			return 0
		}
		return syscall.EBADF
	}
	var f *file
	if fd >= 0 {
		if f = e.duplicate(&fd); f == nil {
			return syscall.EBADF
		}
		e.forget(f.fd)
	}
	t.empty(e, i)
	t.slots[i] = f
	return 0
}

// checkDirect looks whether q may open its file into the table. The kernel refuses
// close-on-exec there, which perform adds.
func checkDirect(q *request) int32 {
	sqe := &q.call.SQE
	flags := uint64(sqe.OpFlags)
	switch sqe.Opcode {
	case uring.OpOpenat2:
		flags = at[unix.OpenHow](sqe.Off).Flags
	case uring.OpSocket:
		flags = sqe.Off
	}
	if flags&unix.O_CLOEXEC != 0 || q.marks&multi != 0 && sqe.FileIndex != uring.FileIndexAlloc {
		return einval // each would replace the one before
	}
	return 0
}

// keep takes in the descriptor that a call has brought, and puts it into the table if
// that was asked for. It returns the call's result.
func (e *Engine) keep(q *request, res int32) int32 {
	sqe := &q.call.SQE
	if sqe.Opcode != uring.OpPipe {
		e.forget(res)
		if sqe.FileIndex != 0 {
			return e.files.put(e, res, sqe.FileIndex)
		}
		return res
	}
	ends := at[[2]int32](sqe.Addr)
	e.forget(ends[0])
	e.forget(ends[1])
	if sqe.FileIndex == 0 {
		return res
	}
	first := e.files.put(e, ends[0], sqe.FileIndex)
	if first < 0 {
		_ = unix.Close(int(ends[1])) // nobody knows it
		return first
	}
	where := sqe.FileIndex
	if where != uring.FileIndexAlloc {
		first, where = int32(where-1), where+1
	}
	second := e.files.put(e, ends[1], where)
	if second < 0 {
		e.files.empty(e, uint32(first))
		return second
	}
	if where != uring.FileIndexAlloc {
		second = int32(where - 1)
	}
	ends[0], ends[1] = first, second
	return 0
}

// filesUpdate changes the table (IORING_OP_FILES_UPDATE).
func (e *Engine) filesUpdate(q *request) {
	sqe := &q.call.SQE
	fds := unsafe.Slice(at[int32](sqe.Addr), sqe.Len)
	res := int32(0)
	for i, fd := range fds {
		var errno syscall.Errno
		if uint32(sqe.Off) == uring.FileIndexAlloc {
			if place := e.files.free(); place < 0 {
				errno = syscall.Errno(-place)
			} else if errno = e.files.set(e, uint32(place), fd); errno == 0 {
				fds[i] = place
			}
		} else {
			errno = e.files.set(e, uint32(sqe.Off)+uint32(i), fd)
		}
		if errno != 0 {
			if res == 0 {
				res = -int32(errno)
			}
			break
		}
		res++
	}
	if e.files.slots == nil {
		res = -int32(syscall.ENXIO)
	}
	e.end(q, res, 0)
}

// install makes a plain descriptor for a registered file
// (IORING_OP_FIXED_FD_INSTALL).
func (e *Engine) install(q *request) {
	sqe := &q.call.SQE
	if sqe.Flags&uring.SQEFlagFixedFile == 0 {
		e.end(q, ebadf, 0)
		return
	}
	if res := e.resolve(q); res != 0 {
		e.end(q, res, 0)
		return
	}
	command := unix.F_DUPFD_CLOEXEC
	if sqe.OpFlags&uring.FixedFDNoCloExec != 0 {
		command = unix.F_DUPFD
	}
	fd, err := unix.FcntlInt(uintptr(q.call.FD), command, 0)
	if err != nil {
		errno, _ := err.(syscall.Errno)
		e.end(q, -int32(errno), 0)
		return
	}
	e.forget(int32(fd))
	e.end(q, int32(fd), 0)
}

// close closes a registered file, and reports false if q is about a plain descriptor,
// which is a call once it is prepared for.
func (e *Engine) close(q *request) bool {
	sqe := &q.call.SQE
	if sqe.FileIndex != 0 {
		i := sqe.FileIndex - 1
		switch {
		case sqe.FD != 0:
			e.end(q, einval, 0)
		case e.files.slots == nil:
			e.end(q, -int32(syscall.ENXIO), 0)
		case i >= uint32(len(e.files.slots)):
			e.end(q, einval, 0)
		case !e.files.empty(e, i):
			e.end(q, ebadf, 0)
		default:
			e.end(q, 0, 0)
		}
		return true
	}
	fd := sqe.FD
	if fd < 0 || int(fd) >= len(e.regs) || e.regs[fd] == nil {
		return false
	}
	reg := e.regs[fd]
	if reg.busy != 0 {
		q.state = closing
		reg.closers.push(q)
		return true
	}
	e.detach(reg)
	e.unregister(fd)
	return false
}

// detach gives those who wait for reg, which is about to be closed, a duplicate:
// their files stay open until they end (trap 27).
func (e *Engine) detach(reg *registration) {
	var private *file
	for _, l := range reg.lists() {
		for q := l.first; q != nil; q = l.first {
			state := q.state
			e.leave(q)
			if private == nil {
				fd := reg.fd
				if private = e.duplicate(&fd); private == nil {
					e.end(q, ebadf, 0)
					continue
				}
				defer e.files.release(e, private)
				e.forget(fd)
			}
			private.refs++
			if q.call.FD == reg.fd && q.file == nil {
				q.call.FD, q.file = private.fd, private
			} else {
				q.call.FDIn, q.fileIn = private.fd, private
			}
			q.marks &^= verified
			if state == polling {
				e.poll(q)
			} else {
				e.attempt(q, false)
			}
		}
	}
}
