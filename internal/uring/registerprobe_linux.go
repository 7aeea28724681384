//go:build linux

package uring

import (
	"runtime"
	"unsafe"
)

// probeHeader is struct io_uring_probe, and probeOp struct io_uring_probe_op.
type (
	probeHeader struct {
		lastOp, opsLen uint8
		resv           uint16
		resv2          [3]uint32
		ops            [256]probeOp
	}
	probeOp struct {
		op, resv uint8
		flags    uint16
		resv2    uint32
	}
)

// Probe asks which operations the ring supports: IORING_REGISTER_PROBE,
// Linux 5.6. Kernels list operations of the rings they can make, so on rings
// without 128-byte entries NOP128 and URING_CMD128 may be listed and fail.
func (r *Ring) Probe() (*Probe, error) {
	h := new(probeHeader)
	if _, err := r.register(RegisterProbe, "probe", unsafe.Pointer(h), uint32(len(h.ops))); err != nil {
		return nil, err
	}
	p := &Probe{last: h.lastOp}
	for i := range h.ops[:h.opsLen] {
		if h.ops[i].flags&ProbeSupported != 0 {
			p.allow(h.ops[i].op)
		}
	}
	return p, nil
}

// queryHeader is struct io_uring_query_hdr.
type queryHeader struct {
	next, data uint64
	op, size   uint32
	result     int32
	resv       [3]uint32
}

// Support is what a kernel says about itself: struct io_uring_query_opcode.
// Kernels fill what they know and leave the rest zero.
type Support struct {
	// Ops and RegisterOps are how many operations and register operations there are.
	Ops, RegisterOps uint32
	// Features, Setup, Enter and SQE are the bits that exist.
	Features, Setup, Enter, SQE uint64
	// Queries is how many query operations there are.
	Queries uint32
	_       uint32
}

// Query asks the kernel what it supports, without a ring: IORING_REGISTER_QUERY,
// Linux 6.18; EINVAL on older ones.
func Query() (Support, error) {
	var p runtime.Pinner
	defer p.Unpin()
	answer := make([]Support, 1)
	h := queryHeader{data: pinnedAddress(&p, answer), op: QueryOpcodes, size: uint32(unsafe.Sizeof(answer[0]))}
	if _, err := register(noRing, RegisterQuery, "query", unsafe.Pointer(&h), 0); err != nil {
		return Support{}, err
	}
	if h.result < 0 {
		return Support{}, registerError("query", h.result)
	}
	return answer[0], nil
}
