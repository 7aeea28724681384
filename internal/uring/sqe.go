package uring

// SQE is the 64-byte submission queue entry of io_uring_enter(2), Linux 5.1.
// Fields are named for the kernel's header, unions by their commonest member.
// The kernel reads all of them, and whatever a request does not use must be
// zero: an encoder assigns the whole struct and never single fields (trap 9).
type SQE struct {
	// Opcode is one of the Op constants.
	Opcode uint8
	// Flags holds SQEFlag bits.
	Flags uint8
	// Ioprio is the I/O priority of reads and writes; for accept, send and
	// receive the kernel keeps Accept and RecvSend bits here.
	Ioprio uint16
	// FD is the descriptor, or the index of a registered file with SQEFlagFixedFile.
	FD int32
	// Off is the file offset; also addr2, and cmd_op in its low half.
	Off uint64
	// Addr is the address of the buffer, path or iovecs; also splice_off_in.
	Addr uint64
	// Len is the buffer's size in bytes, or a count.
	Len uint32
	// OpFlags is the union of the per-operation flag words (rw_flags,
	// msg_flags, timeout_flags and so on).
	OpFlags uint32
	// UserData comes back unchanged in the CQE.
	UserData uint64
	// BufIndex is the registered buffer's index; also buf_group, the group that
	// SQEFlagBufferSelect picks from.
	BufIndex uint16
	// Personality is the id of registered credentials, 0 for the ring's own.
	Personality uint16
	// FileIndex is file_index; also splice_fd_in, optlen, zcrx_ifq_idx, and
	// addr_len in its low half.
	FileIndex uint32
	// Addr3 is a third address; also optval and attr_ptr.
	Addr3 uint64
	// Pad2 must be zero; also attr_type_mask.
	Pad2 uint64
}

// CQE is the 16-byte completion queue entry of io_uring_enter(2), Linux 5.1.
type CQE struct {
	// UserData is the SQE's.
	UserData uint64
	// Res is the result: a negated errno when below zero, else what the
	// operation returns (a count, a descriptor, an event mask).
	Res int32
	// Flags holds CQEFlag bits; with CQEFlagBuffer the upper half is the id of
	// the selected buffer.
	Flags uint32
}
