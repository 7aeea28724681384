package ops

// SendZC is Send without copying buf: the network card, or whatever comes last,
// reads it where it is. That pays from some 10 KiB on; over loopback the kernel
// copies all the same, as FlagCopied in the completion's Flags tells.
//
// There is one completion, with the result of the send, when the kernel has let
// go of buf. On TCP that is when the peer has acknowledged the data, so it comes
// a round trip later than that of Send, and not before the peer is there: do not
// wait for it before the next send. Cancelling after the data has gone out has
// no effect, and Close of the Ring waits for the kernel to let go as well.
//
// EOPNOTSUPP tells that the socket's protocol cannot do it (UNIX sockets), ENOMEM
// that RLIMIT_MEMLOCK is too low.
//
// Native from kernel 6.0, FlagCopied from 6.2 (io_uring_prep_send_zc(3)).
func SendZC(fd int, buf []byte, flags int) Request {
	return Request{Code: CodeSendZC, Mode: Managed, FD: fd32(fd), Buf: buf, Flags: uint32(flags), Len: zcReport}
}

// zcReport is IORING_SEND_ZC_REPORT_USAGE, in Len of a zero-copy send: have the
// kernel tell, with the buffer, whether it had to copy. The Ring takes it off where
// the kernel does not know it.
const zcReport = 1 << 3

// SendZCFixed is SendZC from a registered buffer: b.Len bytes.
//
// Native from kernel 6.0 (io_uring_prep_send_zc_fixed(3)).
func SendZCFixed(fd int, b Fixed, flags int) Request {
	r := fixed(CodeSendZC, fd, b, 0)
	if r.Code == CodeSendZC {
		r.Flags, r.Len = uint32(flags), zcReport
	}
	return r
}

// SendmsgZC is Sendmsg without copying the data: see SendZC. m and all that it
// refers to belong to the kernel until the completion.
//
// Native from kernel 6.1 (io_uring_prep_sendmsg_zc(3)).
func SendmsgZC(fd int, m *Msg, flags int) Request {
	r := message(CodeSendmsgZC, fd, m, flags)
	if r.Code == CodeSendmsgZC {
		r.Mode, r.Len = Managed, zcReport
	}
	return r
}

// validateZC checks a zero-copy send of ordinary memory.
func (r *Request) validateZC() error {
	if r.Len&^zcReport != 0 {
		return r.wrong("flags %#x: use a constructor", r.Len)
	}
	switch r.Code {
	case CodeSendZC:
		if r.Arg != nil {
			return r.wrong("argument %T: use a constructor", r.Arg)
		}
	case CodeSendmsgZC:
		m, ok := r.Arg.(*Msg)
		if !ok {
			return r.wrong("argument %T: want a *Msg", r.Arg)
		}
		if err := m.check(true); err != nil {
			return &Error{Code: r.Code, Target: r.Describe(), Err: err}
		}
	default:
		return r.wrong("argument %T: use a constructor", r.Arg)
	}
	return r.noIndex()
}
