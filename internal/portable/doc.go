// Package portable is io_uring carried out in user space, for where the kernel or a
// sandbox has none. An Engine stands in for the kernel behind a uring.Ring: it takes
// submission entries, carries them out with plain system calls, and posts the
// completions that the kernel would post. What is above it, package ring, cannot
// tell the difference but by asking.
//
// # How an entry is carried out
//
// It is tried at once, in a way that cannot block (package perform). If its
// descriptor is not ready, it waits for an event of epoll and is tried again. What
// can only block goes to a worker, a goroutine that a thread is interrupted for when
// the entry is cancelled. Polls, timeouts, cancels, messages between rings, and
// registered files and buffers are the Engine's own.
//
// # Descriptors
//
// A descriptor is added to epoll when something first waits for it, edge-triggered,
// and stays there: a busy connection costs no epoll_ctl(2) per wait. Since epoll
// forgets a file when its last descriptor is closed, and the number may be another
// file's by then (trap 30), such a wait is optimistic: if it lasts, a sweep asks
// epoll once whether it still knows the file, and adds it if not. A number that is
// reused behind the Engine's back therefore costs time, at most two sweeps, and
// never a wait without end. Events are hints: whoever waits tries again, and an
// event of a former registration names another generation and is dropped (trap 31).
//
// Files that are closed through the Engine stay open for the entries that use them,
// as on a ring. One that is closed behind its back may fail them with EBADF.
//
// # Locks and goroutines
//
// Engine.mu guards everything, and is held across system calls that cannot block. It
// is a leaf: nothing is called with it held but what an interrupt needs. Workers are
// started when needed, end when idle, and have all ended when Close returns, unless
// one is in a system call that cannot be interrupted.
package portable
