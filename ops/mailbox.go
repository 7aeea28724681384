package ops

import "fmt"

// Mailbox is where PostTo and PostDirectTo send to. Package ring's Inbox is one.
type Mailbox interface {
	// Address is the descriptor of the receiving ring, and the inbox's name in it.
	Address() (ring int, name uint64)
}

// PostTo returns a request to deliver the number n, 0 to MaxPost, to an inbox of
// another Ring, or of the same: a completion there, whose N is n, and whose Tag is
// the inbox's. As a member of a chain it tells a loop elsewhere that those before it
// are done, without a goroutine in between; from outside of chains Ring.Post does as
// much, and carries any value.
//
// It is carried out at once, and its completion says that the message was handed to
// the receiving ring. One that finds no inbox any more is dropped. ErrInvalid for a
// nil inbox and an n out of range, ErrClosed for an inbox that was closed. EOVERFLOW
// tells that the receiving ring has no memory left for completions, EBADFD or
// EOWNERDEAD that its goroutine has ended.
//
// From a Ring on the portable engine to one on io_uring it takes kernel 6.13: EBADFD
// before. Ring.Post goes everywhere.
//
// Native from kernel 5.18 (io_uring_prep_msg_ring(3)).
func PostTo(to Mailbox, n int) Request {
	if n < 0 || n > MaxPost {
		return refuse(CodeMessage, "the number %d: want 0 to %d", n, MaxPost)
	}
	return addressed(Request{Code: CodeMessage, Mode: Managed, FD: -1, Len: uint32(n)}, to)
}

// MaxPost is the largest number that PostTo delivers.
const MaxPost = 1<<30 - 1

// PostDirectTo returns a request to copy the direct descriptor d into the table of
// another Ring, and to deliver it to an inbox there: a completion whose Direct it is,
// and belongs to whoever takes it. The completion of the request itself has the same
// Direct, which means nothing in the sending Ring. d stays open.
//
// EBADF tells that d is not open, ErrNoDirect that the other table is full, EINVAL
// that the inbox is of the same Ring; the rest is as with PostTo. The receiving Ring
// needs a table (ring.Config.DirectFiles, or any use of direct descriptors before):
// ENXIO tells that it has none. Rings on different engines (ring.Engine) give EBADFD:
// Ring.SendDirect goes from one to the other.
//
// Native from kernel 6.0 (io_uring_prep_msg_ring_fd_alloc(3)).
func PostDirectTo(to Mailbox, d Direct) Request {
	return addressed(Request{Code: CodeSendDirect, Mode: Managed, FD: fd32(d.FD())}, to)
}

func addressed(r Request, to Mailbox) Request {
	if to == nil {
		return refuse(r.Code, "no inbox")
	}
	fd, name := to.Address()
	r.FD2, r.Offset, r.Arg = fd32(fd), int64(name), to
	return r
}

// validateMessage checks what goes to an inbox.
func (r *Request) validateMessage() error {
	to, ok := r.Arg.(Mailbox)
	if !ok {
		return r.wrong("argument %T: want an inbox", r.Arg)
	}
	fd, name := to.Address()
	if int(r.FD2) != fd || uint64(r.Offset) != name || r.Len > MaxPost {
		return &Error{Code: r.Code, Target: fmt.Sprint(to), Err: Invalid("not as a constructor has made it")}
	}
	return r.noIndex()
}
