package readiness

import (
	"math"

	"github.com/sluicego/sluice/ops"
)

// Once returns a request that completes when fd has one of events, at once if it
// has one already, and is then over: poll(2), or epoll with EPOLLONESHOT. Of gives
// what was found. Err and Hup need not be asked for. A regular file or a
// directory is always ready to read and write (epoll refuses these). Bits above
// the lower 16, such as EPOLLET, are refused with ErrInvalid; a descriptor that is
// not open ends in EBADF.
//
// Native from kernel 5.1 (io_uring_prep_poll_add(3)).
func Once(fd int, events Events) ops.Request { return poll(fd, events, 0) }

// Edge returns a multishot request: a completion with More set whenever
// something happens that makes fd have one of events, the first at once if it
// has one already. Between two completions the descriptor must be used until it
// answers EAGAIN, as with EPOLLET, or what remains is not reported again. It can
// also report an event that is gone. It ends with Cancel, with an error, or
// when completions overflow: a completion without More says so, and whoever
// still wants events submits the request again.
//
// Native from kernel 5.13 (io_uring_prep_poll_multishot(3)).
func Edge(fd int, events Events) ops.Request { return poll(fd, events, ops.Multishot) }

// Level returns a multishot request: every Wait brings a completion with More
// set as long as fd has one of events, as with epoll's default. It is the
// simplest to use right, and costs a kernel request per completion. It ends with
// Cancel or an error: a completion without More says so.
//
// Native from kernel 5.1 (io_uring_prep_poll_add(3)).
func Level(fd int, events Events) ops.Request {
	return poll(fd, events, ops.Multishot|ops.Level)
}

func poll(fd int, events Events, mode ops.Mode) ops.Request {
	target := int32(-1) // EBADF, as for every descriptor that does not exist
	if fd >= 0 && fd <= math.MaxInt32 || ops.DirectOf(fd).Valid() {
		target = int32(fd)
	}
	return ops.Request{Code: ops.CodePoll, FD: target, Flags: uint32(events), Mode: mode}
}

// Change returns a request that makes the pending request id, of Once, Edge or
// Level, wait for other events from now on: EPOLL_CTL_MOD. If fd has one of them
// already, that request completes at once. The completion of Change itself says
// how the change went: ENOENT that no such request is pending, EALREADY that it
// is just completing. The zero ID is refused with ErrInvalid, and so is Change in a chain.
//
// Native from kernel 5.13 (io_uring_prep_poll_update(3)). Linux 6.16 and 6.17 lose the
// completion of a Once or Level that has one of the events already: cancel it there, and
// submit another.
func Change(id ops.ID, events Events) ops.Request {
	return ops.Request{Code: ops.CodePollUpdate, FD: -1, Offset: int64(id), Flags: uint32(events)}
}
