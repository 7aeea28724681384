package uring

// plainOps holds, for opcodes that do what an older one does and something besides,
// the older one. Zero is none.
var plainOps = [256]Op{
	OpReadFixed:     OpRead,
	OpWriteFixed:    OpWrite,
	OpReadvFixed:    OpReadv,
	OpWritevFixed:   OpWritev,
	OpSendZC:        OpSend,
	OpSendmsgZC:     OpSendmsg,
	OpReadMultishot: OpRead,
}

// PlainOp returns the opcode that Plain makes of op.
func PlainOp(op Op) Op {
	if plain := plainOps[op]; plain != OpNop {
		return plain
	}
	return op
}

// Plain turns an entry into an older one that moves the same data, without what the
// newer one has besides: registered buffers are used by their addresses, zero-copy
// sends copy, and what is multishot has one completion.
func Plain(q *SQE) {
	switch q.Opcode {
	case OpReadFixed, OpWriteFixed, OpReadvFixed, OpWritevFixed:
		q.BufIndex = 0
	case OpSendZC, OpSendmsgZC:
		q.BufIndex = 0
		q.Ioprio &= RecvSendPollFirst
	case OpRecv:
		q.Ioprio &^= RecvMultishot
	case OpAccept:
		q.Ioprio &^= AcceptMultishot
	}
	q.Opcode = PlainOp(q.Opcode)
}
