package ops

// Msg is a message with all that can go with it: the argument of Sendmsg and
// Recvmsg. The caller fills the exported fields. From Submit to the terminal
// completion the Msg and all that it refers to belong to the kernel; then it can
// be used again, for sending or receiving, by one request at a time.
type Msg struct {
	// Buffers hold the data, at most 1024 of them. They are sent, or filled, in
	// order.
	Buffers [][]byte
	// Addr is the destination of a message to be sent, and receives the source
	// of a received one. Nil means none, as on connected sockets.
	Addr *Sockaddr
	// Control holds the ancillary data to be sent, or receives it: see cmsg(3),
	// unix.UnixRights and unix.ParseSocketControlMessage. Nil means none.
	Control []byte

	native
	header
}

// NewMsg returns a message of the given buffers.
func NewMsg(buffers ...[]byte) *Msg { return &Msg{Buffers: buffers} }

// Sendmsg returns a request to send m on the socket fd, like sendmsg(2); flags
// are its MSG flags. N is the number of bytes sent. A nil m, more than 1024
// buffers, or an address that is empty or invalid, is refused with ErrInvalid.
// Descriptors in m.Control must stay open until the terminal completion.
//
// Native from kernel 5.3 (io_uring_prep_sendmsg(3)).
func Sendmsg(fd int, m *Msg, flags int) Request {
	return message(CodeSendmsg, fd, m, flags)
}

// Recvmsg returns a request to receive into m from the socket fd, like
// recvmsg(2); flags are its MSG flags, say unix.MSG_CMSG_CLOEXEC for descriptors
// that come along. N is the number of bytes received. After the completion
// m.Source, m.Ancillary and m.Received tell the rest. A nil m, or more than 1024
// buffers, is refused with ErrInvalid.
//
// Native from kernel 5.3 (io_uring_prep_recvmsg(3)).
func Recvmsg(fd int, m *Msg, flags int) Request {
	return message(CodeRecvmsg, fd, m, flags)
}

func message(code Code, fd int, m *Msg, flags int) Request {
	if err := m.check(code != CodeRecvmsg); err != nil {
		return refuseErr(code, err)
	}
	return Request{Code: code, FD: fd32(fd), Flags: uint32(flags), Arg: m}
}

func (m *Msg) check(sending bool) error {
	if m == nil {
		return Invalid("no message")
	}
	if len(m.Buffers) > maxVectors {
		return Invalid("%d buffers: the limit is %d", len(m.Buffers), maxVectors)
	}
	if sending && m.Addr != nil {
		return m.Addr.check()
	}
	return nil
}
