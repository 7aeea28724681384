package ops

// Bind returns a request to give the socket fd the address addr, like bind(2).
// addr belongs to the kernel until the terminal completion. A nil, empty or
// invalid addr is refused with ErrInvalid. Errors are those of bind(2), such as
// EADDRINUSE, and name the address.
//
// Native from kernel 6.11 (io_uring_prep_bind(3)).
func Bind(fd int, addr *Sockaddr) Request {
	if err := addr.check(); err != nil {
		return refuseErr(CodeBind, err)
	}
	return Request{Code: CodeBind, FD: fd32(fd), Arg: addr}
}

// Listen returns a request to make the socket fd accept connections, like
// listen(2). backlog is how many may wait to be accepted; the kernel cuts it to
// net.core.somaxconn. EADDRINUSE tells that another socket listens there.
//
// Native from kernel 6.11 (io_uring_prep_listen(3)).
func Listen(fd int, backlog int) Request {
	return Request{Code: CodeListen, FD: fd32(fd), Len: uint32(backlog)}
}

// validateAddr checks a request whose argument is an address to be used.
func (r *Request) validateAddr() error {
	a, ok := r.Arg.(*Sockaddr)
	if !ok {
		return r.wrong("argument %T: want a *Sockaddr", r.Arg)
	}
	if err := a.check(); err != nil {
		return &Error{Code: r.Code, Err: err}
	}
	return nil
}
