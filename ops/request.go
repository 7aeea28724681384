package ops

import (
	"math"
	"time"
)

// Request is one operation to be performed asynchronously: a plain value that
// says everything the kernel has to know. The constructors of this package
// (Read, Write, Open, Accept, ...) and of packages readiness, locks and signals
// fill it in; the caller may then set Priority, Timeout, Deadline, Tag and Keep,
// directly or with the With methods, and hands it to Ring.Submit, which copies
// it. A Request can be submitted any number of times.
//
// Ownership: from Submit to the terminal completion (the one whose More is
// false), whatever Buf and Arg point to belongs to the kernel. It must not be
// read where the operation writes, nor written at all. The Ring keeps it
// reachable for that long.
type Request struct {
	Code     Code     // what to do
	Priority Priority // how urgent; zero is Normal
	Link     Link     // how the next request of the same group hangs on this one
	Mode     Mode     // variations of the operation: multishot and the like

	FD     int32  // descriptor, or directory descriptor of a path
	Flags  uint32 // the operation's own flags, as its man page has them
	Len    uint32 // length in bytes where there is no Buf, or file mode of an open
	Offset int64  // file offset in bytes, or Current

	Buf []byte // the data, or a path that ends in NUL
	Tag any    // handed back in every completion

	// What stands above is all that most requests use: a cache line. Rings count on it.

	Arg  any // what does not fit elsewhere; the type depends on Code
	Keep any // kept reachable until the terminal completion, say the *os.File that owns FD

	Offset2     int64  // second offset: the input's of a splice, the length of a fallocate
	FD2         int32  // second descriptor: the input of a splice or tee
	Index       uint16 // registered buffer or buffer group
	Personality uint16 // registered credentials, 0 for the ring's own

	Timeout  time.Duration // from Submit on; 0 for none; negative is refused
	Deadline Instant       // 0 for none; the earlier of Timeout and Deadline counts
}

// Current as an offset means the file's own position: it is used, and moved on,
// as read(2) and write(2) do. It is the only useful offset for pipes, sockets
// and terminals.
const Current int64 = -1

// MaxTransfer is the largest number of bytes that Linux moves in one call
// (read(2), NOTES). Longer buffers are accepted: the transfer is a short one.
const MaxTransfer = 0x7ffff000

// Mode varies an operation. Its bits are set by constructors.
type Mode uint8

const (
	// Multishot makes one request yield completions until it fails or is cancelled.
	Multishot Mode = 1 << iota
	// Level makes a multishot poll report a ready descriptor on every Wait.
	Level
	// PollFirst waits for readiness before the first attempt at a transfer.
	PollFirst
	// Select has the kernel pick a buffer from the group in Arg.
	Select
	// Managed requests use or make something whose lifetime the Ring looks after:
	// direct descriptors, buffers of its own, zero-copy sends.
	Managed
	// Bundle lets one receive fill, and one completion own, several buffers of a group.
	Bundle
	// Drain makes a request wait for earlier ones, and later ones wait for it: see
	// WithDrain.
	Drain
)

// WithPriority returns a copy of r at the given priority.
func (r Request) WithPriority(p Priority) Request { r.Priority = p; return r }

// WithTimeout returns a copy of r that is cancelled when it has not completed
// d after Submit. Its completion then reports ErrTimeout, unless it succeeded
// in that very moment. Zero means no timeout; negative durations are refused by
// Submit with ErrInvalid.
func (r Request) WithTimeout(d time.Duration) Request { r.Timeout = d; return r }

// WithDeadline returns a copy of r that is cancelled when it has not completed
// at t. A deadline in the past cancels at once. The zero Time means none.
func (r Request) WithDeadline(t time.Time) Request { r.Deadline = At(t); return r }

// WithTag returns a copy of r whose completions carry tag.
func (r Request) WithTag(tag any) Request { r.Tag = tag; return r }

// Keeping returns a copy of r that keeps v reachable until its terminal
// completion. Give it the *os.File or net.Conn whose descriptor the request
// uses: were that garbage-collected, its descriptor would be closed and could
// be reused by something else while the request is in flight.
func (r Request) Keeping(v any) Request { r.Keep = v; return r }

// WithPersonality returns a copy of r that is carried out with the credentials
// that Ring.RegisterPersonality has returned id for; 0 are the Ring's own, those of
// its making. EINVAL tells that there are none of that id.
func (r Request) WithPersonality(id uint16) Request { r.Personality = id; return r }

// fd32 narrows a descriptor. What does not fit becomes -1, which the kernel
// refuses with EBADF, rather than another, valid descriptor.
func fd32(fd int) int32 {
	if fd < math.MinInt32 || fd > math.MaxInt32 {
		return -1
	}
	return int32(fd)
}
