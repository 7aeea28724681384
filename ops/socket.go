package ops

// Socket returns a request to make a socket, like socket(2): domain is an
// address family such as unix.AF_INET6, typ is unix.SOCK_STREAM and the like,
// also with unix.SOCK_NONBLOCK, and proto is 0 or a protocol of the family. The
// completion's FD is the new descriptor, which belongs to whoever takes the
// completion. It is close-on-exec: see Inheritable for the opposite. Requests
// wait also on a socket without SOCK_NONBLOCK, so that flag is not needed.
//
// Native from kernel 5.19 (io_uring_prep_socket(3)).
func Socket(domain, typ, proto int) Request {
	return Request{
		Code: CodeSocket, FD: fd32(domain),
		Flags: uint32(typ) | closeOnExec, Len: uint32(proto),
	}
}

// Accept returns a request to take one connection from the listening socket fd,
// like accept4(2); flags is 0 or unix.SOCK_NONBLOCK. The completion's FD is the
// connection, which belongs to whoever takes the completion, and is
// close-on-exec: see Inheritable for the opposite. A cancelled accept may have
// succeeded after all: look at the result.
//
// Native from kernel 5.5 (io_uring_prep_accept(3)).
func Accept(fd int, flags int) Request {
	return Request{Code: CodeAccept, FD: fd32(fd), Flags: uint32(flags) | closeOnExec}
}

// AcceptAddr is Accept that also fills peer with the address of the other side.
// peer belongs to the kernel until the terminal completion, and comes back as
// the completion's Arg. A nil peer is refused with ErrInvalid.
//
// Native from kernel 5.5 (io_uring_prep_accept(3)).
func AcceptAddr(fd int, flags int, peer *Sockaddr) Request {
	if peer == nil {
		return refuse(CodeAccept, "no Sockaddr to fill")
	}
	r := Accept(fd, flags)
	r.Arg = peer
	return r
}

// AcceptMulti returns a request that accepts one connection after the other:
// each is a completion with More set and its own FD, until one without More
// brings the error that ended it, or ErrCanceled after Cancel. It may end at any
// time, say with EMFILE or when completions overflow: whoever still wants
// connections then submits it again. AcceptMultiAddr brings their addresses as well.
//
// Native from kernel 5.19 (io_uring_prep_multishot_accept(3)).
func AcceptMulti(fd int, flags int) Request {
	r := Accept(fd, flags)
	r.Mode = Multishot
	return r
}

// AcceptMultiAddr is AcceptMulti each of whose completions has the address of its
// own connection's other side: see Completion.Peer. The Ring asks for it when the
// completion is taken, which never blocks and costs a system call each: the kernel
// would write the addresses of all connections to one place.
//
// A direct descriptor cannot be asked so: IntoDirect refuses the request with
// ErrInvalid. Use AcceptMulti, and PeerName (6.19) or Getsockopt with SO_PEERNAME
// (6.7) on those whose address matters.
//
// Native from kernel 5.19 (io_uring_prep_multishot_accept(3), getpeername(2)).
func AcceptMultiAddr(fd int, flags int) Request {
	r := AcceptMulti(fd, flags)
	r.Arg = eachPeer{}
	return r
}

// eachPeer, as the argument of a multishot accept, asks for addresses.
type eachPeer struct{}

// WantsPeers reports whether r is an AcceptMultiAddr request, for engines.
func (r *Request) WantsPeers() bool {
	_, ok := r.Arg.(eachPeer)
	return ok && r.Code == CodeAccept
}

// Peer returns the address of the other side of the connection that an AcceptAddr
// or AcceptMultiAddr request brought; nil after a failure and for other operations.
// It is empty (Len is 0) in the rare case that the kernel did not tell it.
//
// That of AcceptAddr is the one given to it. That of AcceptMultiAddr is the
// caller's for good, unless c is released: Release, which is optional here, gives
// its memory to a later connection, so that none has to be allocated. Peer panics
// after it.
func (c *Completion) Peer() *Sockaddr {
	arg := c.Arg
	if l := c.loan(); l != nil && c.Code == CodeAccept {
		c.mustOwn(l, "Peer")
		arg = l.Arg
	}
	if a, ok := arg.(*Sockaddr); ok && c.Res >= 0 && c.Code == CodeAccept {
		return a
	}
	return nil
}

// Connect returns a request to connect the socket fd to addr, like connect(2).
// addr belongs to the kernel until the terminal completion. A nil, empty or
// invalid addr is refused with ErrInvalid. Errors are those of connect(2), such
// as ECONNREFUSED, and name the address. After a timeout or cancel the socket is
// in an unknown state: close it. On a UNIX socket with O_NONBLOCK, EAGAIN says that
// the listener's queue is full; one without waits until it is not.
//
// Native from kernel 5.5 (io_uring_prep_connect(3)).
func Connect(fd int, addr *Sockaddr) Request {
	if err := addr.check(); err != nil {
		return refuseErr(CodeConnect, err)
	}
	return Request{Code: CodeConnect, FD: fd32(fd), Arg: addr}
}

// Shutdown returns a request to end one or both directions of the connected
// socket fd, like shutdown(2); how is unix.SHUT_RD, SHUT_WR or SHUT_RDWR. fd
// stays open.
//
// Native from kernel 5.11 (io_uring_prep_shutdown(3)).
func Shutdown(fd int, how int) Request {
	return Request{Code: CodeShutdown, FD: fd32(fd), Len: uint32(how)}
}
