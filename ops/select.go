package ops

// The requests of this file bring no buffer: the kernel picks one from a group
// (package ring's BufferRing) when there is something to put into it. So ten
// thousand idle connections need no buffer at all. The completion has borrowed
// it: Bytes is what came, Release gives it back.
//
// While the group has no buffer left, such requests pause, and go on by
// themselves when one is released; only inside a chain they fail, with ENOBUFS.

// RecvSelect is Recv into a buffer of g. N 0 is the end of a stream, or an empty
// datagram, and borrows none.
//
// Native from kernel 5.19 (io_uring_prep_recv(3)).
func RecvSelect(fd int, g BufferGroup, flags int) Request {
	return selecting(Request{Code: CodeRecv, FD: fd32(fd), Flags: uint32(flags)}, g)
}

// RecvMulti returns a request that receives from the connected socket fd again
// and again, each time into a buffer of g: completions with More set. One without
// More ends it: with N 0 for the end of a stream or an empty datagram, with an
// error, or ErrCanceled after Cancel.
//
// Native from kernel 6.0 (io_uring_prep_recv_multishot(3)).
func RecvMulti(fd int, g BufferGroup, flags int) Request {
	r := RecvSelect(fd, g, flags)
	if r.Code == CodeRecv {
		r.Mode |= Multishot
	}
	return r
}

// RecvBundle is RecvSelect into as many buffers of g as there is data for: one
// completion owns them all, until one Release. Pieces yields them in order, N is
// their sum, and Bytes copies where there is more than one. Each transfer may bring
// more than a buffer holds, so it is for streams that come in bursts; with many
// connections to a group, one of them can take all of it.
//
// Native from kernel 6.10 (io_uring_prep_recv(3), IORING_RECVSEND_BUNDLE). Before it, and
// with incremental consumption, which Linux gets wrong, the same request fills one buffer
// at a time.
func RecvBundle(fd int, g BufferGroup, flags int) Request { return bundled(RecvSelect(fd, g, flags)) }

// RecvBundleMulti is RecvMulti with bundles: see RecvBundle.
//
// Native from kernel 6.10; before it, as RecvMulti.
func RecvBundleMulti(fd int, g BufferGroup, flags int) Request {
	return bundled(RecvMulti(fd, g, flags))
}

func bundled(r Request) Request {
	if r.Code == CodeRecv {
		r.Mode |= Bundle
	}
	return r
}

// ReadSelect is Read into a buffer of g, which has no incremental consumption. N 0 is
// the end of the file, and borrows none.
//
// Native from kernel 5.19 (io_uring_prep_read(3), IOSQE_BUFFER_SELECT).
func ReadSelect(fd int, g BufferGroup, off int64) Request {
	return selecting(Request{Code: CodeRead, FD: fd32(fd), Offset: off}, g)
}

// ReadMulti returns a request that reads from fd whenever there is something:
// a pipe, a terminal, an eventfd or the like, not a regular file (EBADFD). Its
// completions are those of RecvMulti.
//
// Native from kernel 6.7 (io_uring_prep_read_multishot(3)).
func ReadMulti(fd int, g BufferGroup) Request {
	return selecting(Request{Code: CodeReadMulti, Mode: Multishot, FD: fd32(fd), Offset: Current}, g)
}

// RecvmsgMulti returns a request that receives one message after the other from
// the socket fd, each into a buffer of g, with its sender's address and ancillary
// data as room says. The completion's Message takes it apart. It ends as RecvMulti
// does, but an empty datagram does not end it.
//
// Native from kernel 6.0 (io_uring_prep_recvmsg_multishot(3)); io_uring has nothing to
// put in its place before, and Submit fails with ErrNotSupported.
func RecvmsgMulti(fd int, g BufferGroup, room MessageRoom, flags int) Request {
	if room.Control < 0 || room.Control > maxControl {
		return refuse(CodeRecvmsg, "room of %d bytes for ancillary data: want 0 to %d", room.Control, maxControl)
	}
	return selecting(Request{
		Code: CodeRecvmsg, Mode: Multishot, FD: fd32(fd), Flags: uint32(flags),
		Arg: newRecvShape(room, g),
	}, g)
}

// maxControl bounds the room for ancillary data: the kernel takes some 20 KiB
// (/proc/sys/net/core/optmem_max), and buffers are not larger than this.
const maxControl = 1 << 20

func selecting(r Request, g BufferGroup) Request {
	if g == nil {
		return refuse(r.Code, "no buffer group")
	}
	r.Mode |= Select | Managed
	r.Index = g.GroupID()
	if r.Arg == nil {
		r.Arg = g
	}
	return r
}

// Group returns the buffer group that r picks from; nil for none.
func (r *Request) Group() BufferGroup {
	switch a := r.Arg.(type) {
	case *RecvShape:
		return a.group
	case BufferGroup:
		return a
	}
	return nil
}

func (r *Request) validateSelect() error {
	g := r.Group()
	switch {
	case g == nil:
		return r.wrong("argument %T: want a buffer group", r.Arg)
	case r.Mode&Managed == 0 || r.Index != g.GroupID():
		return r.wrong("group %d: want the argument's own, %d", r.Index, g.GroupID())
	case r.Buf != nil:
		return r.wrong("it has a buffer, and picks one from a group")
	case r.Code == CodeReadMulti && r.Mode&Multishot == 0:
		return r.wrong("mode Multishot is missing")
	case r.Mode&Multishot != 0 && r.Link != Unlinked:
		return r.wrong("a multishot request has no single end for another to wait for")
	case r.Code == CodeRead && r.Offset < Current:
		return r.wrong("offset %d: want 0 or more, or Current", r.Offset)
	}
	if _, ok := r.Arg.(*RecvShape); ok != (r.Code == CodeRecvmsg) {
		return r.wrong("argument %T: use a constructor", r.Arg)
	}
	return nil
}
