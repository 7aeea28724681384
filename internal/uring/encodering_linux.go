package uring

// The functions here encode what the ring submits for itself. Like Encode they
// assign the whole entry.

// EncodeNop writes a request that does nothing.
func EncodeNop(q *SQE, userData uint64) {
	*q = SQE{Opcode: OpNop, FD: -1, UserData: userData}
}

// EncodePoll writes a wait for the poll(2) events of fd, which may be direct: one-shot, or multishot
// and edge-triggered (kernel 5.13).
func EncodePoll(q *SQE, fd int32, events uint32, multishot bool, userData uint64) {
	*q = SQE{Opcode: OpPollAdd, FD: fd, OpFlags: pollEvents(events), UserData: userData}
	encodeTarget(q)
	if multishot {
		q.Len = PollAddMulti
	}
}

// EncodeCancel writes the cancellation of the request whose user data is target
// (kernel 5.5). Its own result says whether one was found, and nothing about how
// that one ends (trap 23).
func EncodeCancel(q *SQE, target, userData uint64) {
	*q = SQE{Opcode: OpAsyncCancel, FD: -1, Addr: target, UserData: userData}
}

// EncodeCancelFD writes the cancellation of all requests on the descriptor fd
// (kernel 5.19). The result is their number.
func EncodeCancelFD(q *SQE, fd int32, userData uint64) {
	*q = SQE{Opcode: OpAsyncCancel, FD: fd, OpFlags: CancelFD | CancelAll, UserData: userData}
}

// EncodeCancelAny writes the cancellation of all requests of the ring (kernel
// 5.19). The result is their number.
func EncodeCancelAny(q *SQE, userData uint64) {
	*q = SQE{Opcode: OpAsyncCancel, FD: -1, OpFlags: CancelAny | CancelAll, UserData: userData}
}
