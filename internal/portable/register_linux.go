package portable

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// The structures of the kernel's header that register operations take.
type (
	rsrcRegister struct { // struct io_uring_rsrc_register
		n, flags         uint32
		resv, data, tags uint64
	}
	rsrcUpdate struct { // struct io_uring_rsrc_update
		offset, resv uint32
		data         uint64
	}
	rsrcUpdate2 struct { // struct io_uring_rsrc_update2
		offset, resv uint32
		data, tags   uint64
		n, resv2     uint32
	}
	fileRange struct { // struct io_uring_file_index_range
		off, n uint32
		resv   uint64
	}
	bufReg struct { // struct io_uring_buf_reg
		addr    uint64
		entries uint32
		group   uint16
		flags   uint16
	}
	bufStatus struct { // struct io_uring_buf_status
		group, head uint32
	}
	probeHeader struct { // struct io_uring_probe
		last, len uint8
		resv      [14]uint8
	}
	probeOp struct { // struct io_uring_probe_op
		op, resv uint8
		flags    uint16
		resv2    uint32
	}
)

// Register is part of uring.Kernel. What it does not have is EINVAL.
func (e *Engine) Register(op uint32, arg unsafe.Pointer, n uint32) (int, syscall.Errno) {
	e.mu.Lock()
	defer e.unlock()
	if e.closed {
		return 0, syscall.EBADF
	}
	res, errno := 0, syscall.Errno(0)
	switch op {
	case uring.RegisterProbe:
		probe(arg, n)
	case uring.RegisterEventFD:
		errno = e.registerEvent(*(*int32)(arg))
	case uring.UnregisterEventFD:
		errno = e.registerEvent(-1)
	case uring.RegisterIOWQMaxWorkers:
		e.limitWorkers((*[classes]uint32)(arg))
	case uring.RegisterPersonality:
		res, errno = e.registerCreds()
	case uring.UnregisterPersonality:
		errno = e.unregisterCreds(uint16(n))
	case uring.RegisterPbufRing:
		errno = e.registerGroup((*bufReg)(arg))
	case uring.UnregisterPbufRing:
		errno = e.unregisterGroup((*bufReg)(arg).group)
	case uring.RegisterPbufStatus:
		errno = e.groupStatus((*bufStatus)(arg))
	default:
		res, errno = e.registerResource(op, arg, n)
	}
	e.run()
	return res, errno
}

// registerResource is Register for tables of files and buffers.
func (e *Engine) registerResource(op uint32, arg unsafe.Pointer, n uint32) (int, syscall.Errno) {
	switch op {
	case uring.RegisterFiles:
		return 0, e.registerFiles(unsafe.Slice((*int32)(arg), n))
	case uring.RegisterFiles2:
		r := (*rsrcRegister)(arg)
		if r.flags&uring.RsrcSparse != 0 {
			return 0, e.files.make(r.n)
		}
		return 0, e.registerFiles(unsafe.Slice(at[int32](r.data), r.n))
	case uring.UnregisterFiles:
		if e.files.slots == nil {
			return 0, syscall.ENXIO
		}
		e.files.close(e)
		return 0, 0
	case uring.RegisterFilesUpdate:
		u := (*rsrcUpdate)(arg)
		return e.updateFiles(u.offset, unsafe.Slice(at[int32](u.data), n))
	case uring.RegisterFileAllocRange:
		r := (*fileRange)(arg)
		if e.files.slots == nil {
			return 0, syscall.ENXIO
		}
		if uint64(r.off)+uint64(r.n) > uint64(len(e.files.slots)) {
			return 0, syscall.EOVERFLOW
		}
		e.files.low, e.files.end, e.files.from = r.off, r.off+r.n, 0
		return 0, 0
	case uring.RegisterBuffers:
		return 0, e.registerBuffers(unsafe.Slice((*unix.Iovec)(arg), n), n)
	case uring.RegisterBuffers2:
		r := (*rsrcRegister)(arg)
		if r.flags&uring.RsrcSparse != 0 {
			return 0, e.registerBuffers(nil, r.n)
		}
		return 0, e.registerBuffers(unsafe.Slice(at[unix.Iovec](r.data), r.n), r.n)
	case uring.RegisterBuffersUpdate:
		u := (*rsrcUpdate2)(arg)
		return e.updateBuffers(u.offset, unsafe.Slice(at[unix.Iovec](u.data), u.n))
	case uring.UnregisterBuffers:
		if e.buffers == nil {
			return 0, syscall.ENXIO
		}
		e.buffers = nil
		return 0, 0
	}
	return 0, syscall.EINVAL
}

// probe answers which operations there are.
func probe(arg unsafe.Pointer, n uint32) {
	h := (*probeHeader)(arg)
	*h = probeHeader{last: uring.OpLast, len: uint8(min(n, uint32(uring.OpLast)+1))}
	ops := unsafe.Slice((*probeOp)(unsafe.Add(arg, unsafe.Sizeof(*h))), h.len)
	for i := range ops {
		ops[i] = probeOp{op: uint8(i)}
	}
	for _, op := range offered {
		if int(op) < len(ops) {
			ops[op].flags = uring.ProbeSupported
		}
	}
}

// registerEvent sets the eventfd that is written to for completions.
func (e *Engine) registerEvent(fd int32) syscall.Errno {
	switch {
	case fd < 0 && e.event < 0:
		return syscall.ENXIO
	case fd >= 0 && e.event >= 0:
		return syscall.EBUSY
	}
	e.event = fd
	return 0
}

// limitWorkers sets the limits that are not zero, and returns those before.
func (e *Engine) limitWorkers(limits *[classes]uint32) {
	for i, n := range limits {
		limits[i] = uint32(e.crew.limit[i])
		if n != 0 {
			e.crew.limit[i] = int(n)
		}
	}
	e.crew.dispatch(e)
}

// registerGroup registers a ring of provided buffers.
func (e *Engine) registerGroup(r *bufReg) syscall.Errno {
	switch {
	case e.groups[r.group] != nil:
		return syscall.EEXIST
	case r.entries == 0 || r.entries&(r.entries-1) != 0 || r.entries > 1<<15 || r.flags&^uring.PbufInc != 0:
		return syscall.EINVAL
	}
	if e.groups == nil {
		e.groups = map[uint16]*group{}
	}
	e.groups[r.group] = &group{
		places: unsafe.Slice(at[place](r.addr), r.entries),
		word:   at[uint32](r.addr + 12),
		inc:    r.flags&uring.PbufInc != 0,
	}
	return 0
}

func (e *Engine) unregisterGroup(id uint16) syscall.Errno {
	if e.groups[id] == nil {
		return syscall.ENOENT
	}
	delete(e.groups, id)
	return 0
}

func (e *Engine) groupStatus(s *bufStatus) syscall.Errno {
	g := e.groups[uint16(s.group)]
	if g == nil {
		return syscall.ENOENT
	}
	s.head = uint32(g.head)
	return 0
}

func (e *Engine) registerFiles(fds []int32) syscall.Errno {
	if errno := e.files.make(uint32(len(fds))); errno != 0 {
		return errno
	}
	if _, errno := e.updateFiles(0, fds); errno != 0 {
		e.files.close(e)
		return errno
	}
	return 0
}

func (e *Engine) updateFiles(offset uint32, fds []int32) (int, syscall.Errno) {
	if e.files.slots == nil {
		return 0, syscall.ENXIO
	}
	for i, fd := range fds {
		if errno := e.files.set(e, offset+uint32(i), fd); errno != 0 {
			if i > 0 {
				return i, 0
			}
			return 0, errno
		}
	}
	return len(fds), 0
}

func (e *Engine) registerBuffers(vecs []unix.Iovec, n uint32) syscall.Errno {
	switch {
	case e.buffers != nil:
		return syscall.EBUSY
	case n == 0 || n > 1<<14:
		return syscall.EINVAL
	}
	e.buffers = make([]buffer, n)
	_, errno := e.updateBuffers(0, vecs)
	return errno
}

func (e *Engine) updateBuffers(offset uint32, vecs []unix.Iovec) (int, syscall.Errno) {
	switch {
	case e.buffers == nil:
		return 0, syscall.ENXIO
	case uint64(offset)+uint64(len(vecs)) > uint64(len(e.buffers)):
		return 0, syscall.EINVAL
	}
	for i, v := range vecs {
		e.buffers[int(offset)+i] = buffer{uint64(uintptr(unsafe.Pointer(v.Base))), uint64(v.Len)}
	}
	return len(vecs), 0
}
