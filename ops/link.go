package ops

import "time"

// Link says how the next request of the same group hangs on this one.
type Link uint8

const (
	// Unlinked requests are independent; the last one of every group is.
	Unlinked Link = iota
	// Soft starts the next request when this one has succeeded. A failure, and
	// a transfer shorter than asked for, cancels the rest of the group
	// (IOSQE_IO_LINK, kernel 5.3).
	Soft
	// Hard starts the next request when this one has ended, however it ended
	// (IOSQE_IO_HARDLINK, kernel 5.5).
	Hard
)

// Chain links requests so that each starts when the one before it has
// succeeded. Submit the result as one group with Ring.SubmitAll. When a member
// fails, or transfers less than asked for, those after it complete with
// ErrCanceled. Before kernel 5.17 a member whose descriptor is not open (EBADF)
// keeps those before it from starting as well.
//
// Locks, calls (package fallback) and signals to be sent can be members; signals and
// children to be waited for cannot, since those watches begin with Submit, nor can
// changes of polls (package readiness).
func Chain(reqs ...Request) []Request { return linked(Soft, reqs) }

// HardChain links requests so that each starts when the one before it has
// ended, whatever its result.
func HardChain(reqs ...Request) []Request { return linked(Hard, reqs) }

// Within gives a group d from Submit on to be done, and returns it: what has not
// ended by then is cancelled. The member that is under way reports ErrTimeout, and
// those behind it ErrTimeout or, as after any failure, ErrCanceled; in hard chains
// too. Members keep an earlier Timeout of their own.
// Every member reports its outcome, so those that are done by then are not undone.
// A d of zero or less is as negative timeouts are: Submit refuses the group.
func Within(d time.Duration, group []Request) []Request {
	for i := range group {
		if t := group[i].Timeout; t == 0 || d < t {
			group[i].Timeout = d
		}
		if d <= 0 {
			group[i].Timeout = -1
		}
	}
	return group
}

func linked(l Link, reqs []Request) []Request {
	group := make([]Request, len(reqs))
	copy(group, reqs)
	for i := range group {
		group[i].Link = l
	}
	if n := len(group); n > 0 {
		group[n-1].Link = Unlinked
	}
	return group
}
