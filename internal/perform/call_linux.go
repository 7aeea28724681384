package perform

import (
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// Call is one submission entry with its descriptors resolved: direct descriptors
// have been looked up. A Call that has begun is not to be changed, except for Hint,
// HintIn and the selected buffer.
type Call struct {
	// SQE is the entry. Its descriptors, links, user data and personality do not
	// matter here; SQEFlagBufferSelect does.
	SQE uring.SQE

	FD   int32 // the descriptor, in place of SQE.FD and of what the flags say of it
	FDIn int32 // the input of a splice or tee, in place of SQE.FileIndex

	// Hint is what is known of FD, and HintIn of FDIn; zero is always right. Try adds
	// what it learns. It holds for the file, not for the number: an engine that keeps
	// a hint must know that the descriptor was not closed meanwhile.
	Hint, HintIn Hint

	// Buf and BufLen are the address and size of the selected buffer, with
	// SQEFlagBufferSelect. They may differ from one Try to the next.
	Buf    uint64
	BufLen uint32

	done   int32      // bytes transferred
	begun  bool       // a first step was taken: a wait asked for, a connection begun
	vector [2]uintptr // an iovec, for calls that take nothing else
}

// Hint is what is known of an open file.
type Hint uint8

// Hints.
const (
	NonBlocking   Hint = 1 << iota // it has O_NONBLOCK: plain calls do not wait
	Blocking                       // it does not have O_NONBLOCK
	Pollable                       // epoll takes it: a pipe, a socket, a terminal
	Regular                        // a regular file or a block device: always ready, and transfers are whole
	Stream                         // it has no offsets: positional calls fail with ESPIPE
	NoNowaitRead                   // reads with RWF_NOWAIT fail with EOPNOTSUPP
	NoNowaitWrite                  // and writes do: file systems often have one of them
)

// Next says what a Call needs after Try.
type Next uint8

// What a Call needs.
const (
	Done      Next = iota // nothing: the result is there
	WaitIn                // Try again when FD is readable (poll's IN, or HUP, or ERR)
	WaitOut               // Try again when FD is writable (OUT, or HUP, or ERR)
	WaitInput             // Try again when FDIn is readable
	Worker                // Do, where it may block
	Engine                // not an operation of this package; Try and Do have done nothing
)

// Try carries the Call out as far as that is possible without waiting. Next tells
// whether res is its result: at least 0, or a negated errno. Otherwise res says
// nothing. A Call that answered WaitIn, WaitOut or WaitInput may also be given to Do.
//
// Readiness is a hint: Try after a wait may ask for the wait again (trap 16). If
// epoll refuses to wait (EPERM: a regular file), the Call is one for Do.
func (c *Call) Try() (res int32, next Next) {
	switch o := &operations[c.SQE.Opcode]; {
	case o.try != nil:
		return o.try(c)
	case o.do == nil:
		return 0, Engine
	case o.prompt:
		return o.do(c), Done
	}
	return 0, Worker
}

// Do carries out what is left of the Call and may block for as long as it takes.
// The result is at least 0, or a negated errno. It is -EINTR when a signal ended
// a system call of its thread; then the Call may be continued with Do, or given up:
// see Partial. For entries that are not this package's it is -EINVAL.
func (c *Call) Do() int32 {
	if do := operations[c.SQE.Opcode].do; do != nil {
		return do(c)
	}
	return failed(unix.EINVAL)
}

// Partial returns how many bytes a Call that is not done has transferred. If there
// are any, that is the result of one that is given up, and not ECANCELED.
func (c *Call) Partial() int32 { return c.done }
