package ops

import (
	"math"
	"strconv"
	"syscall"
)

// Direct is a direct descriptor: a file that is open in a Ring's own table and
// not in the process's. Requests on it save the kernel the look-up, nothing but
// that Ring can use it, and no child inherits it. IntoDirect and Register make
// them; Config.DirectFiles says how many a Ring can have.
//
// Requests take it wherever they take a descriptor, by the number that FD returns:
//
//	ops.Read(d.FD(), buf, 0)
//
// and ops.Close(d.FD()) gives it up. Operations that exist as system calls only
// (locks, and what the portable engine carries out) do not know it: EBADF. The
// zero Direct is none.
type Direct struct {
	place int32 // index in the table, and one
}

// A direct descriptor's number is its index, counted from the lowest int32: far
// below AT_FDCWD and -1, and no descriptor to any system call.
const (
	directBase = math.MinInt32
	directEnd  = directBase + maxDirect
	maxDirect  = 1 << 20 // the kernel's limit on the size of the table
)

// DirectAt returns the direct descriptor at a place of the table, 0 for the
// first; none for places that no table has.
func DirectAt(index int) Direct {
	if index < 0 || index >= maxDirect {
		return Direct{}
	}
	return Direct{int32(index) + 1}
}

// DirectOf returns the direct descriptor whose number is fd, none if fd is an
// ordinary descriptor.
func DirectOf(fd int) Direct {
	if fd < directBase || fd >= directEnd {
		return Direct{}
	}
	return Direct{int32(fd-directBase) + 1}
}

// Valid reports whether d is a direct descriptor, open or not.
func (d Direct) Valid() bool { return d.place > 0 }

// Index returns the place in the table; -1 for none.
func (d Direct) Index() int { return int(d.place) - 1 }

// FD returns the number by which requests know d; -1 for none. To system calls
// made without the Ring it is no descriptor.
func (d Direct) FD() int {
	if d.place <= 0 {
		return -1
	}
	return directBase + int(d.place) - 1
}

// String returns "direct 5" for the descriptor at place 5.
func (d Direct) String() string {
	if d.place <= 0 {
		return "no direct descriptor"
	}
	return "direct " + strconv.Itoa(d.Index())
}

// IntoDirect returns a copy of r, a request made by Open, OpenAt, Open2, Accept,
// Socket or one of their variants, whose new file becomes a direct descriptor:
// the completion's Direct is it, and its FD is -1. Of Pipe, both ends do, and the
// completion's Pipe returns their numbers. The kernel picks a free place;
// ErrNoDirect tells that there is none. Direct descriptors are never inherited,
// so Inheritable has no meaning. On another operation the result is refused with
// ErrInvalid.
//
// Whoever takes the completion owns the descriptor, also that of a request which
// was cancelled too late. Closing the Ring closes those that are left.
//
// Native from kernel 5.19, and 6.0 to keep them apart from the Ring's own
// (io_uring_prep_open_direct(3)). Before: Submit fails with ErrNotSupported.
func (r Request) IntoDirect() Request {
	if r.WantsPeers() {
		return refuse(r.Code, "a direct descriptor cannot be asked for its peer as it is accepted: "+
			"use AcceptMulti, and PeerName or Getsockopt with SO_PEERNAME later")
	}
	switch r.Code {
	case CodeOpen, CodeAccept, CodeSocket, CodePipe:
		r.Flags &^= closeOnExec // the kernel refuses it
	case CodeOpen2:
		r.Arg = inheritableHow(r.Arg)
	case CodeInvalid:
		return r
	default:
		return refuse(r.Code, "the operation cannot make a direct descriptor")
	}
	r.Mode |= Managed
	r.FD2 = anyPlace
	return r
}

// anyPlace, as FD2 of a request that makes a direct descriptor, has the kernel
// pick one.
const anyPlace = -1

// Direct returns the direct descriptor that a request of IntoDirect or Register
// made, which the caller owns from now on; none after a failure and for other
// operations.
func (c *Completion) Direct() Direct {
	if c.Res < 0 || c.Flags&FlagDirect == 0 || c.Code == CodePipe {
		return Direct{}
	}
	return DirectAt(int(c.Res))
}

// explained returns the reason that errno stands for where it is not the usual one.
func (c *Completion) explained(errno syscall.Errno) error {
	if errno == syscall.ENFILE && c.Flags&FlagDirect != 0 {
		return ErrNoDirect
	}
	return errno
}

// FileSlot is the argument of a Register request.
type FileSlot struct {
	// FDs is what the kernel reads, the descriptor, and overwrites with its place.
	FDs [1]int32
}

// Register returns a request to make a direct descriptor of the ordinary one fd:
// the completion's Direct is it. Both can be used and closed independently.
// ErrNoDirect tells that there is no free place, EBADF that fd is not open or an
// io_uring.
//
// Native from kernel 5.19 (io_uring_prep_files_update(3)).
func Register(fd int) Request {
	return Request{Code: CodeRegister, Mode: Managed, FD: fd32(fd), Arg: new(FileSlot)}
}
