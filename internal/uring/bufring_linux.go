//go:build linux

package uring

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bufEntry is struct io_uring_buf. The tail of the ring lies over resv of the
// first entry.
type bufEntry struct {
	addr uint64
	len  uint32
	bid  uint16
	resv uint16
}

// bufReg is struct io_uring_buf_reg.
type bufReg struct {
	addr    uint64
	entries uint32
	bgid    uint16
	flags   uint16
	minLeft uint32
	resv    [5]uint32
}

// bufStatus is struct io_uring_buf_status.
type bufStatus struct {
	group, head uint32
	resv        [8]uint32
}

// BufRing is a ring of provided buffers that one buffer group takes from:
// io_uring_register_buf_ring(3), Linux 5.19. The application adds at the tail,
// the kernel takes at the head. Its methods are not safe for concurrent use.
type BufRing struct {
	r       *Ring
	mem     []byte
	entries []bufEntry
	tail    *uint32 // the word whose upper half, by memory order, is the shared tail
	next    uint16  // local tail
	group   uint16
}

// RegisterBufRing makes a ring of entries places (a power of two, at most 32768)
// for buffer group group and registers it. flags is zero or PbufInc (Linux
// 6.12). The ring's memory is the BufRing's own. IORING_REGISTER_PBUF_RING,
// Linux 5.19. EEXIST: the group has a ring; EINVAL: the size, or an old kernel.
func (r *Ring) RegisterBufRing(group uint16, entries uint32, flags uint16) (*BufRing, error) {
	if entries == 0 || entries > maxEntries || entries&(entries-1) != 0 {
		return nil, fmt.Errorf("uring: buffer ring of %d entries, not a power of two up to %d: %w",
			entries, maxEntries, syscall.EINVAL)
	}
	if flags&PbufMmap != 0 {
		return nil, fmt.Errorf("uring: buffer ring: memory of the kernel's is not supported: %w", syscall.EINVAL)
	}
	size := int(entries) * int(unsafe.Sizeof(bufEntry{}))
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANONYMOUS|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("uring: mmap of buffer ring: %w", err)
	}
	b := &BufRing{r: r, mem: mem, group: group}
	b.entries = unsafe.Slice((*bufEntry)(unsafe.Pointer(&mem[0])), entries)
	b.tail = (*uint32)(unsafe.Pointer(&mem[12]))
	arg := bufReg{addr: uint64(uintptr(unsafe.Pointer(&mem[0]))), entries: entries, bgid: group, flags: flags}
	err = unix.Madvise(mem, unix.MADV_DONTFORK) // trap 12
	if err == nil {
		_, err = r.register(RegisterPbufRing, "pbuf ring", unsafe.Pointer(&arg), 1)
	}
	if err != nil {
		_ = unix.Munmap(mem) // the first error is the one to report
		return nil, err
	}
	return b, nil
}

// Group returns the buffer group, for SQE.BufIndex.
func (b *BufRing) Group() uint16 { return b.group }

// Entries returns the number of places.
func (b *BufRing) Entries() uint32 { return uint32(len(b.entries)) }

// Add puts a buffer of n bytes at addr into the ring as buffer id; the kernel
// sees it after Publish. The memory must not move and must stay reachable until
// it is taken back, and no more than Entries buffers may be in the ring.
func (b *BufRing) Add(addr unsafe.Pointer, n uint32, id uint16) {
	e := &b.entries[int(b.next)&(len(b.entries)-1)]
	e.addr, e.len = uint64(uintptr(addr)), n
	// Id and resv share a word, and so does the tail with the first entry's id:
	// one store keeps both halves right.
	word := (*uint32)(unsafe.Pointer(&e.bid))
	atomic.StoreUint32(word, pair(id, upper(word)))
	b.next++
}

// AddBytes is Add of memory that lies outside Go's heap.
func (b *BufRing) AddBytes(buf []byte, id uint16) {
	b.Add(unsafe.Pointer(unsafe.SliceData(buf)), uint32(len(buf)), id)
}

// Publish makes all added buffers visible to the kernel.
func (b *BufRing) Publish() { atomic.StoreUint32(b.tail, pair(b.entries[0].bid, b.next)) }

// Head returns the kernel's position: IORING_REGISTER_PBUF_STATUS, Linux 6.8.
func (b *BufRing) Head() (uint16, error) {
	arg := bufStatus{group: uint32(b.group)}
	_, err := b.r.register(RegisterPbufStatus, "pbuf status", unsafe.Pointer(&arg), 1)
	return uint16(arg.head), err
}

// Tail returns the local position: the number of buffers ever added, modulo 2^16.
func (b *BufRing) Tail() uint16 { return b.next }

// Len returns the length of the buffer that was added at position at, as the kernel
// has it: it cuts the last one of a bundle to what there is to receive. Good until
// Entries more have been added.
func (b *BufRing) Len(at uint16) uint32 {
	return atomic.LoadUint32(&b.entries[int(at)&(len(b.entries)-1)].len)
}

// Close unregisters the ring and frees its memory, not that of the buffers.
// Requests that took a buffer keep it. IORING_UNREGISTER_PBUF_RING, Linux 5.19.
// After the Ring's Close it frees the memory alone. Calling it again does
// nothing.
func (b *BufRing) Close() error {
	if b.mem == nil {
		return nil
	}
	arg := bufReg{bgid: b.group}
	_, err := b.r.register(UnregisterPbufRing, "pbuf ring (undo)", unsafe.Pointer(&arg), 1)
	if err != nil && err != ErrClosed {
		return err // the kernel may still use the memory
	}
	mem := b.mem
	b.mem, b.entries, b.tail = nil, nil, nil
	return unix.Munmap(mem)
}

// pair packs two 16-bit fields that follow each other in memory into one word.
func pair(low, high uint16) (word uint32) {
	halves := (*[2]uint16)(unsafe.Pointer(&word))
	halves[0], halves[1] = low, high
	return word
}

// upper returns the field that comes second in memory.
func upper(word *uint32) uint16 {
	w := atomic.LoadUint32(word)
	return (*[2]uint16)(unsafe.Pointer(&w))[1]
}
