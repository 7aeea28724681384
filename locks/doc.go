// Package locks makes requests that wait for locks: of files (flock), of ranges of
// files (open file description locks and POSIX record locks), and of words in
// memory that processes share (futexes, a mutex and an event).
//
//	c, err := r.Do(ctx, locks.Flock(fd, locks.Exclusive).WithTimeout(time.Second))
//	...
//	defer r.Do(context.Background(), locks.Flock(fd, locks.Unlock))
//
// # Which lock
//
// Flock locks whole files, for an open file description: descriptors from
// different opens conflict, within a process as between processes, while
// duplicates of a descriptor, also inherited ones, share the lock. It goes away
// when the last duplicate is closed.
//
// OFD locks a range, and otherwise is the same. It is the one to use for ranges.
//
// Record locks a range for the PROCESS. Requests of one process never exclude one
// another, whatever Ring, goroutine or descriptor they come from. And closing ANY
// descriptor of the file, also one that some other package opened, drops all of
// the process's record locks on it (fcntl(2)). Use it only to keep out programs
// that use record locks themselves; with these, OFD locks conflict as well.
//
// All are advisory: they stop those who ask for locks, not reads and writes.
//
// # Waiting
//
// A lock that is free is taken at once. Otherwise the request waits, and completes
// when it has the lock. Those of this process that wait for the same file and range
// are granted in order of priority, and in order of arrival within one: shared
// requests do not overtake an exclusive one of the same or of higher priority, so
// writers do not starve. Other processes' requests are the kernel's to order.
//
// Waiting requests cost memory only. One thread for each contended range (of one
// priority) waits in the kernel, at most ring.Config.LockThreads; where more are
// contended the others are tried at intervals of 1 to 50 ms.
//
// A request that is cancelled, or that runs out of time, ends within a
// millisecond or so on amd64 and arm64. (On other architectures, where threads
// cannot be interrupted, all waiting is done by trying at intervals.) If the lock
// was granted in that moment, the completion reports success and the caller has
// the lock: an error means that he has not.
//
// Keep the descriptor open until the completion: Ring.CancelFD ends what waits on
// it. A request whose descriptor was closed meanwhile, or names another file, ends
// in EBADF. A request that is blocked in the kernel holds the file open, and with
// it the locks that the file's description has (trap: a lock can outlive the close).
//
// # Changing a lock
//
// A request for another type on the same descriptor converts the lock. OFD and
// Record do so atomically, and keep the old lock until they have the new one.
// Flock gives up the old lock first when it has to wait, as flock(2) does: others
// can come between, and after a failure the old lock is gone. Two holders of a
// shared lock that both ask for the exclusive one wait for each other, with OFD
// and Record: give such requests a timeout. The kernel detects some such deadlocks
// among Record locks of several processes, and ends one request with EDEADLK.
//
// On network file systems the attempt at a lock that may be free is a message to
// the server, which Submit waits for; or Wait, if that is what starts the request.
// Nothing else on the Ring does.
//
// # Across processes without files
//
// Mutex and Event are words in memory that is mapped by several processes
// (mmap(2) with MAP_SHARED); FutexWait, FutexWake and FutexWaitv are for other
// constructions.
package locks
