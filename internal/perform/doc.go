// Package perform carries out submission entries with ordinary system calls. It is
// what the portable engine uses in place of the kernel's side of a ring: one entry,
// its descriptors resolved, is a Call, and a Call is carried out by Try, which
// never blocks, or by Do, which may.
//
// The package has no state, no locks and no goroutines. What is particular to a
// ring is the engine's: user data, links, timeouts, polls, cancelling, messages,
// registered files and buffers, the choice of a provided buffer, credentials. Try
// answers Engine for entries of that sort.
//
// # Completion means completion
//
// A Call gives what the kernel's ring would give as the result of the entry. In
// particular
//
//   - EAGAIN of a descriptor with O_NONBLOCK is not a result: the Call waits for
//     readiness (trap 10), unless the entry itself asks not to wait, with
//     RWF_NOWAIT, MSG_DONTWAIT or SPLICE_F_NONBLOCK.
//   - reads and writes of regular files and block devices go on until all is
//     transferred, the file ends, or an error comes (trap 19), and so do sends
//     and receives with MSG_WAITALL. Others are short when the file is.
//   - what has been transferred is reported, and an error after it only if nothing
//     has been.
//
// # Memory
//
// The addresses in an entry are used as they are, in system calls. What they point
// to must be reachable, must not move and must not be used otherwise from the
// first Try or Do of a Call until it is done. A Call remembers what has been done
// of it, so that Try and Do go on where they ended, and has one user at a time.
package perform
