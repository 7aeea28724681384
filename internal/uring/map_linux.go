//go:build linux

package uring

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is the memory that a ring shares with the kernel.
type mapping struct {
	rings []byte // SQ and CQ words, index array and CQEs; with two maps the SQ's part
	cq    []byte // the CQ's part with two maps, else nil
	sqes  []byte
}

const (
	sqeSize = 64
	cqeSize = 16
)

// mapRing maps the ring fd as p describes it. FeatSingleMmap (5.4) puts both
// rings into one map.
func mapRing(fd int, p *params, features uint32) (m *mapping, err error) {
	m = &mapping{}
	defer func() {
		if err != nil {
			_ = m.unmap() // the first error is the one to report
		}
	}()
	sqSize := uint64(p.sqOff.array)
	if p.flags&SetupNoSQArray == 0 {
		sqSize += uint64(p.sqEntries) * 4
	} else {
		sqSize = uint64(max(p.sqOff.head, p.sqOff.tail, p.sqOff.flags, p.sqOff.dropped)) + 4
	}
	cqSize := uint64(p.cqOff.cqes) + uint64(p.cqEntries)*cqeSize
	if features&FeatSingleMmap != 0 {
		if m.rings, err = mapPart(fd, OffSQRing, max(sqSize, cqSize)); err != nil {
			return nil, err
		}
	} else {
		if m.rings, err = mapPart(fd, OffSQRing, sqSize); err != nil {
			return nil, err
		}
		if m.cq, err = mapPart(fd, OffCQRing, cqSize); err != nil {
			return nil, err
		}
	}
	if m.sqes, err = mapPart(fd, OffSQEs, uint64(p.sqEntries)*sqeSize); err != nil {
		return nil, err
	}
	return m, nil
}

// mapPart maps size bytes of the ring's region at offset, kept out of forked
// children (trap 12).
func mapPart(fd int, offset int64, size uint64) ([]byte, error) {
	b, err := unix.Mmap(fd, offset, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("uring: mmap of ring at %#x: %w", offset, err)
	}
	if err := unix.Madvise(b, unix.MADV_DONTFORK); err != nil {
		_ = unix.Munmap(b)
		return nil, fmt.Errorf("uring: madvise(MADV_DONTFORK) of ring at %#x: %w", offset, err)
	}
	return b, nil
}

// unmap gives all maps back and returns the first error. The fields are cleared,
// so that a second call does nothing.
func (m *mapping) unmap() (err error) {
	for _, part := range []*[]byte{&m.rings, &m.cq, &m.sqes} {
		if *part == nil {
			continue
		}
		if e := unix.Munmap(*part); e != nil && err == nil {
			err = fmt.Errorf("uring: munmap of ring: %w", e)
		}
		*part = nil
	}
	return err
}

// queues returns the two queues over the mapping.
func (m *mapping) queues(p *params) (*SQ, *CQ) {
	cq := m.cq
	if cq == nil {
		cq = m.rings
	}
	var array []uint32 // stays nil with NO_SQARRAY (trap 44)
	if p.flags&SetupNoSQArray == 0 {
		array = unsafe.Slice(word(m.rings, p.sqOff.array), p.sqEntries)
	}
	sqes := unsafe.Slice((*SQE)(unsafe.Pointer(&m.sqes[0])), p.sqEntries)
	cqes := unsafe.Slice((*CQE)(unsafe.Pointer(&cq[p.cqOff.cqes])), p.cqEntries)
	o := &p.sqOff
	return NewSQ(word(m.rings, o.head), word(m.rings, o.tail), word(m.rings, o.flags),
			word(m.rings, o.dropped), sqes, array),
		NewCQ(word(cq, p.cqOff.head), word(cq, p.cqOff.tail), word(cq, p.cqOff.overflow), cqes)
}

// word returns the shared 32-bit word at offset.
func word(b []byte, offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&b[offset]))
}
