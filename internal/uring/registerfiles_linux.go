//go:build linux

package uring

import (
	"runtime"
	"unsafe"
)

// rsrcRegister is struct io_uring_rsrc_register.
type rsrcRegister struct {
	nr, flags        uint32
	resv, data, tags uint64
}

// rsrcUpdate2 is struct io_uring_rsrc_update2.
type rsrcUpdate2 struct {
	offset, resv uint32
	data, tags   uint64
	nr, resv2    uint32
}

// fileRange is struct io_uring_file_index_range.
type fileRange struct {
	off, n uint32
	resv   uint64
}

// RegisterFiles makes fds the ring's registered files; -1 leaves a slot empty.
// The kernel holds the files open until they are unregistered or the ring is
// gone. IORING_REGISTER_FILES, Linux 5.1. EBUSY: there is a table already;
// EMFILE: more than RLIMIT_NOFILE; EBADF: one of fds is not open.
func (r *Ring) RegisterFiles(fds []int32) error {
	var p runtime.Pinner
	defer p.Unpin()
	_, err := r.register(RegisterFiles, "files", first(&p, fds), uint32(len(fds)))
	return err
}

// RegisterFilesTagged is RegisterFiles where a slot with a tag other than zero
// posts a completion with that user data once the kernel lets go of the file.
// tags is nil or as long as fds. IORING_REGISTER_FILES2, Linux 5.13.
func (r *Ring) RegisterFilesTagged(fds []int32, tags []uint64) error {
	if err := sameLength("files", len(fds), tags); err != nil {
		return err
	}
	var p runtime.Pinner
	defer p.Unpin()
	return r.registerRsrc(RegisterFiles2, "files", rsrcRegister{
		nr: uint32(len(fds)), data: pinnedAddress(&p, fds), tags: pinnedAddress(&p, tags)})
}

// RegisterFilesSparse makes a table of n empty slots. IORING_REGISTER_FILES2
// with IORING_RSRC_REGISTER_SPARSE, Linux 5.19.
func (r *Ring) RegisterFilesSparse(n uint32) error {
	return r.registerRsrc(RegisterFiles2, "files", rsrcRegister{nr: n, flags: RsrcSparse})
}

func (r *Ring) registerRsrc(op uint32, name string, arg rsrcRegister) error {
	_, err := r.register(op, name, unsafe.Pointer(&arg), uint32(unsafe.Sizeof(arg)))
	return err
}

// UpdateFiles replaces the registered files from slot offset on; -1 empties a
// slot, RegisterFilesSkip (Linux 5.12) keeps it. It returns how many slots were
// done: fewer than len(fds) when a later one failed.
// IORING_REGISTER_FILES_UPDATE, Linux 5.5.
func (r *Ring) UpdateFiles(offset uint32, fds []int32) (int, error) {
	var p runtime.Pinner
	defer p.Unpin()
	u := rsrcUpdate{offset: offset, data: pinnedAddress(&p, fds)}
	return r.register(RegisterFilesUpdate, "files update", unsafe.Pointer(&u), uint32(len(fds)))
}

// UpdateFilesTagged is UpdateFiles with tags, as RegisterFilesTagged has them.
// IORING_REGISTER_FILES_UPDATE2, Linux 5.13.
func (r *Ring) UpdateFilesTagged(offset uint32, fds []int32, tags []uint64) (int, error) {
	if err := sameLength("files update", len(fds), tags); err != nil {
		return 0, err
	}
	var p runtime.Pinner
	defer p.Unpin()
	return r.updateRsrc(RegisterFilesUpdate2, "files update", rsrcUpdate2{
		offset: offset, data: pinnedAddress(&p, fds), tags: pinnedAddress(&p, tags), nr: uint32(len(fds))})
}

func (r *Ring) updateRsrc(op uint32, name string, arg rsrcUpdate2) (int, error) {
	return r.register(op, name, unsafe.Pointer(&arg), uint32(unsafe.Sizeof(arg)))
}

// UnregisterFiles gives the table of registered files up. Files with requests in
// flight are let go when these end. IORING_UNREGISTER_FILES, Linux 5.1. ENXIO:
// there is none.
func (r *Ring) UnregisterFiles() error {
	_, err := r.register(UnregisterFiles, "files (undo)", nil, 0)
	return err
}

// RegisterFileAllocRange limits the slots that the kernel picks for
// FileIndexAlloc to n from offset on. IORING_REGISTER_FILE_ALLOC_RANGE, Linux 6.0.
func (r *Ring) RegisterFileAllocRange(offset, n uint32) error {
	arg := fileRange{off: offset, n: n}
	_, err := r.register(RegisterFileAllocRange, "file alloc range", unsafe.Pointer(&arg), 0)
	return err
}
