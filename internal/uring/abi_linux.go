//go:build linux

package uring

// The structures of the kernel's header that calls take by address. Sizes and
// offsets are checked by a test.

// params is struct io_uring_params.
type params struct {
	sqEntries    uint32
	cqEntries    uint32
	flags        uint32
	sqThreadCPU  uint32
	sqThreadIdle uint32
	features     uint32
	wqFD         uint32
	resv         [3]uint32
	sqOff        sqOffsets
	cqOff        cqOffsets
}

// sqOffsets is struct io_sqring_offsets: where the words are in the SQ mapping.
type sqOffsets struct {
	head, tail, ringMask, ringEntries uint32
	flags, dropped, array, resv1      uint32
	userAddr                          uint64
}

// cqOffsets is struct io_cqring_offsets: where the words are in the CQ mapping.
type cqOffsets struct {
	head, tail, ringMask, ringEntries uint32
	overflow, cqes, flags, resv1      uint32
	userAddr                          uint64
}

// geteventsArg is struct io_uring_getevents_arg, Linux 5.11; minWait, in
// microseconds, since 6.12.
type geteventsArg struct {
	sigmask   uint64
	sigmaskSz uint32
	minWait   uint32
	ts        uint64
}

// timespec is struct __kernel_timespec: 64 bits each on every architecture.
type timespec struct {
	sec, nsec int64
}
