package ops

// WithDrain returns a copy of r that is a barrier: it starts when all requests that
// its Ring has accepted before it have ended, and those that are accepted after it
// start when it has ended itself. On the first request of a chain it makes a barrier
// of the whole chain; on others of a chain it is refused. It is what IOSQE_IO_DRAIN
// is to the kernel (io_uring_enter(2)), but for all that a Ring does, locks, calls
// and children included, and it counts nothing of the Ring's own.
//
// What it promises, in particular:
//
//   - A request has ended when its terminal completion is there to be taken, however
//     it ended. A zero-copy send has ended when its buffer is free.
//   - Multishot requests have no end of their own. The barrier does not wait for
//     earlier ones, which go on yielding completions; later ones start behind it. It
//     cannot be multishot itself.
//   - Timers, clock watches, posts and messages from other Rings neither wait nor are
//     waited for, but timers inside chains are members like others. A timer cannot
//     be a barrier: put it into a chain behind a Nop that is one.
//   - The order of priorities holds on either side of the barrier, and never across
//     it: a Highest request waits behind a Lowest barrier. Several barriers pass in
//     the order in which they were accepted.
//   - Timeouts and deadlines count from Submit on, also while a request is held up.
//   - Cancel, a timeout and Close end a barrier that waits, and a request that is
//     held up, at once. Behind a barrier that ended early the others start, without
//     waiting for those ahead of it.
//
// A barrier waits as long as the slowest request ahead of it, and what it holds up
// counts towards Config.Capacity. A receive ahead of it that waits for an answer to
// a send behind it never ends: give the barrier a Timeout.
//
// A Ring that never uses it pays nothing for it. Accepting a barrier while none is
// up takes a look at each pending request.
func (r Request) WithDrain() Request { r.Mode |= Drain; return r }

// validateDrain checks a barrier.
func (r *Request) validateDrain() error {
	switch {
	case r.Mode&Multishot != 0:
		return r.wrong("a multishot request has no single end for others to wait for")
	case r.Code == CodeTimer && r.Link == Unlinked, r.Code == CodeClockSet, r.Code == CodePost:
		return r.wrong("others do not wait for it: put it into a chain behind a Nop with the mode Drain")
	}
	plain := *r
	plain.Mode &^= Drain
	return plain.Validate()
}
