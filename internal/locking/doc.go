// Package locking waits for locks: those of files, of ranges of files, and of
// words in shared memory. Its Sources carry out the requests of package locks.
//
// The kernel has no asynchronous lock operation, so a lock is tried without
// blocking first, and only who cannot have it waits:
//
//	Start -> granted
//	      -> queued <-> runnable -> blocked -> granted
//
// All requests of the process that wait for the same thing, on whatever Ring, are
// in one queue, ordered by priority and then by arrival. Those at the front that
// no earlier one keeps from being granted next are runnable: of all that ask for
// the same range, one exclusive or one shared request. A runnable request gets a
// thread, which blocks in the kernel for it. When it is granted the next one
// becomes runnable. So a file takes one thread, however many wait for it, and what
// it costs to hand a lock on does not depend on their number.
//
// A Source has a limit of threads. Runnable requests beyond it are tried without
// blocking, at intervals. When a more urgent request arrives, the blocked one that
// it overtakes is interrupted and goes back to its place in the queue.
//
// A request that is cancelled while it is blocked is interrupted. If it is granted
// in that moment, it reports success.
package locking
