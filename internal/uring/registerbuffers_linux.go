//go:build linux

package uring

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cloneBuffers is struct io_uring_clone_buffers.
type cloneBuffers struct {
	srcFD, flags, srcOff, dstOff, nr uint32
	pad                              [3]uint32
}

// RegisterBuffers pins bufs in memory as the ring's registered buffers. The
// caller keeps them reachable until they are unregistered or the ring is closed
// and its requests have ended. IORING_REGISTER_BUFFERS, Linux 5.1. ENOMEM: over
// RLIMIT_MEMLOCK (trap 40); EBUSY: there is a table already; EOPNOTSUPP: memory
// backed by a file.
func (r *Ring) RegisterBuffers(bufs [][]byte) error {
	var p runtime.Pinner
	defer p.Unpin()
	_, err := r.register(RegisterBuffers, "buffers", first(&p, iovecs(bufs)), uint32(len(bufs)))
	return err
}

// RegisterBuffersTagged is RegisterBuffers where a buffer with a tag other than
// zero posts a completion with that user data once the kernel lets go of it.
// tags is nil or as long as bufs. IORING_REGISTER_BUFFERS2, Linux 5.13.
func (r *Ring) RegisterBuffersTagged(bufs [][]byte, tags []uint64) error {
	if err := sameLength("buffers", len(bufs), tags); err != nil {
		return err
	}
	var p runtime.Pinner
	defer p.Unpin()
	return r.registerRsrc(RegisterBuffers2, "buffers", rsrcRegister{
		nr: uint32(len(bufs)), data: pinnedAddress(&p, iovecs(bufs)), tags: pinnedAddress(&p, tags)})
}

// RegisterBuffersSparse makes a table of n empty slots. IORING_REGISTER_BUFFERS2
// with IORING_RSRC_REGISTER_SPARSE, Linux 5.19.
func (r *Ring) RegisterBuffersSparse(n uint32) error {
	return r.registerRsrc(RegisterBuffers2, "buffers", rsrcRegister{nr: n, flags: RsrcSparse})
}

// UpdateBuffers replaces the registered buffers from slot offset on; a nil
// buffer empties its slot. tags is nil or as long as bufs. It returns how many
// slots were done. IORING_REGISTER_BUFFERS_UPDATE, Linux 5.13.
func (r *Ring) UpdateBuffers(offset uint32, bufs [][]byte, tags []uint64) (int, error) {
	if err := sameLength("buffers update", len(bufs), tags); err != nil {
		return 0, err
	}
	var p runtime.Pinner
	defer p.Unpin()
	return r.updateRsrc(RegisterBuffersUpdate, "buffers update", rsrcUpdate2{
		offset: offset, data: pinnedAddress(&p, iovecs(bufs)), tags: pinnedAddress(&p, tags), nr: uint32(len(bufs))})
}

// UnregisterBuffers gives the table of registered buffers up. Before Linux 5.13
// it waits for the ring to be idle; later, buffers with requests in flight stay
// pinned until these end. IORING_UNREGISTER_BUFFERS, Linux 5.1. ENXIO: there is
// none.
func (r *Ring) UnregisterBuffers() error {
	_, err := r.register(UnregisterBuffers, "buffers (undo)", nil, 0)
	return err
}

// CloneBuffers shares n registered buffers of the ring from, starting at slot
// srcOffset, into this ring's table at dstOffset. n zero means all of them.
// flags is zero or RegisterDstReplace (Linux 6.13, as are the offsets).
// IORING_REGISTER_CLONE_BUFFERS, Linux 6.12. EBUSY: this ring has buffers
// already; ENXIO: from has none.
func (r *Ring) CloneBuffers(from *Ring, srcOffset, dstOffset, n, flags uint32) error {
	fd := from.FD()
	if fd < 0 {
		return ErrClosed
	}
	arg := cloneBuffers{srcFD: uint32(fd), flags: flags, srcOff: srcOffset, dstOff: dstOffset, nr: n}
	_, err := r.register(RegisterCloneBuffers, "clone buffers", unsafe.Pointer(&arg), 1)
	return err
}

// iovecs describes bufs to the kernel.
func iovecs(bufs [][]byte) []unix.Iovec {
	vecs := make([]unix.Iovec, len(bufs))
	for i, b := range bufs {
		if len(b) > 0 {
			vecs[i].Base = &b[0]
			vecs[i].SetLen(len(b))
		}
	}
	return vecs
}

// sameLength refuses tags that the kernel would read past their end.
func sameLength(name string, n int, tags []uint64) error {
	if tags != nil && len(tags) != n {
		return fmt.Errorf("uring: register %s: %d tags for %d: %w", name, len(tags), n, syscall.EINVAL)
	}
	return nil
}
