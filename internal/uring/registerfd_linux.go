//go:build linux

package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// rsrcUpdate is struct io_uring_rsrc_update.
type rsrcUpdate struct {
	offset uint32
	resv   uint32
	data   uint64
}

// RegisterRingFD enters the ring's descriptor into the calling thread's table,
// so that Enter saves the look-up: IORING_REGISTER_RING_FDS, Linux 5.18. The
// caller is the owner, locked to its thread; from then on it alone calls Enter,
// and must call UnregisterRingFD or Close before it gives the thread up
// (trap 47). EINVAL: the kernel has no such table; EBUSY: its 16 places are
// taken. The ring works as before in both cases.
func (r *Ring) RegisterRingFD() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ownerTID != 0 || r.kernel != nil {
		return nil
	}
	fd := r.fd.Load()
	if fd < 0 {
		return ErrClosed
	}
	u := rsrcUpdate{offset: ^uint32(0), data: uint64(fd)} // any free place
	if _, err := register(fd, RegisterRingFDs, "ring fds", unsafe.Pointer(&u), 1); err != nil {
		return err
	}
	r.ownerTID = unix.Gettid()
	r.enterFD, r.enterFlags = int32(u.offset), EnterRegisteredRing
	return nil
}

// UnregisterRingFD undoes RegisterRingFD, on the same thread. From another one
// it is ErrWrongThread and changes nothing: the index would mean another ring
// there. Without a registration it does nothing.
func (r *Ring) UnregisterRingFD() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unregisterRingFD()
}

// unregisterRingFD is UnregisterRingFD for a caller that holds mu.
func (r *Ring) unregisterRingFD() error {
	if r.ownerTID == 0 {
		return nil
	}
	if r.ownerTID != unix.Gettid() {
		return ErrWrongThread
	}
	u := rsrcUpdate{offset: uint32(r.enterFD)}
	fd := r.fd.Load()
	if _, err := register(fd, UnregisterRingFDs, "ring fds (undo)", unsafe.Pointer(&u), 1); err != nil {
		return err
	}
	r.ownerTID, r.enterFD, r.enterFlags = 0, fd, 0
	return nil
}

// Abandon notes that the owner has ended, and its registration with its thread. Any
// thread can Close the ring then, but none can call Enter.
func (r *Ring) Abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ownerTID, r.enterFD, r.enterFlags = 0, r.fd.Load(), 0
}
