package ops

// Send returns a request to send buf on the connected socket fd, like send(2);
// flags are its MSG flags. N is the number of bytes that the socket took; on a
// stream that may be fewer than len(buf), unless flags has unix.MSG_WAITALL (from
// kernel 5.19). No SIGPIPE is raised: sending to a closed peer ends in EPIPE. The
// kernel owns buf until the terminal completion; it must not be changed before.
// A nil or empty buf sends 0 bytes, which is an empty datagram; of one longer
// than MaxTransfer only that much is sent.
//
// Native from kernel 5.6 (io_uring_prep_send(3)).
func Send(fd int, buf []byte, flags int) Request {
	return Request{Code: CodeSend, FD: fd32(fd), Buf: buf, Flags: uint32(flags)}
}

// SendTo is Send to the address addr, like sendto(2): for datagrams on sockets that
// are not connected. addr belongs to the kernel until the terminal completion. A
// nil, empty or invalid addr is refused with ErrInvalid.
//
// Native from kernel 6.1 (io_uring_prep_send_set_addr(3)). Before it, EINVAL: use
// Sendmsg.
func SendTo(fd int, buf []byte, flags int, addr *Sockaddr) Request {
	if err := addr.check(); err != nil {
		return refuseErr(CodeSend, err)
	}
	r := Send(fd, buf, flags)
	r.Arg = addr
	return r
}

// Recv returns a request to receive up to len(buf) bytes from the connected
// socket fd into buf, like recv(2); flags are its MSG flags. N is the number of
// bytes received: on a stream, 0 means that the peer has shut down its side, and
// unix.MSG_WAITALL waits for a full buffer (from kernel 5.19); cancelled with part
// of it there, it succeeds with that part. Of a datagram, what does not fit is
// lost. The kernel owns buf until the terminal completion. A nil
// or empty buf receives 0 bytes.
//
// Native from kernel 5.6 (io_uring_prep_recv(3)).
func Recv(fd int, buf []byte, flags int) Request {
	return Request{Code: CodeRecv, FD: fd32(fd), Buf: buf, Flags: uint32(flags)}
}

// WithPollFirst returns a copy of r, an accept, send or receive request, that
// first waits for the socket to become ready instead of trying at once. That
// saves a failing attempt where the socket is known to be empty, or full. On
// another operation the result is refused with ErrInvalid.
//
// Native from kernel 5.19, for accept from 6.10 (io_uring_enter(2),
// IORING_RECVSEND_POLL_FIRST); before them it makes no difference.
func (r Request) WithPollFirst() Request { r.Mode |= PollFirst; return r }
