// Package readiness makes requests that wait until a descriptor is ready,
// instead of performing an operation on it. Completions are the better model for
// most work: a Recv that waits needs no readiness. Readiness remains right for
// descriptors that something else reads and writes, such as a C library's; for
// devices and eventfds; and for thousands of idle connections that should not
// hold a buffer each.
//
// In the terms of epoll(7):
//
//	epoll                     here
//	EPOLLONESHOT              Once
//	EPOLLET                   Edge
//	neither (the default)     Level
//	EPOLL_CTL_ADD             Ring.Submit
//	EPOLL_CTL_MOD             Change
//	EPOLL_CTL_DEL             Ring.Cancel
//	epoll_wait                Ring.Wait
//	epoll_data                Request.Tag
//	nested epoll descriptors  the descriptor of another Ring, or of an epoll
//
// Level-triggered means: as long as there is something to read, each Wait says
// so. Edge-triggered means: it is said when something arrives, and not again
// because some of it was left. One-shot means: it is said once.
//
// # Readiness is a hint
//
// Whatever the kind, a descriptor may turn out not to be ready: another reader
// was faster, a datagram had a bad checksum, or the kernel woke everybody up for
// an event that concerned one. Edge in particular is neither purely edge- nor
// purely level-triggered in the kernel: several events may be one completion,
// and one event several. So never make a blocking call after a readiness
// completion: set O_NONBLOCK and take EAGAIN for "not yet", or submit a Recv or
// Read request, which waits by itself.
//
// # Closing
//
// A pending request holds on to the open file, not to the number fd. Closing fd
// does not end it, and a later file with the same number is not watched by it:
// cancel the request before closing.
package readiness
