package ops

// maxVectors is IOV_MAX, the kernel's limit on buffers in one call (readv(2)).
const maxVectors = 1024

// modesOf holds the Mode bits that each operation understands.
var modesOf = [Codes]Mode{
	CodeAccept:     Multishot | PollFirst,
	CodeSend:       PollFirst,
	CodeRecv:       PollFirst,
	CodeSendmsg:    PollFirst,
	CodeRecvmsg:    PollFirst,
	CodePoll:       Multishot | Level,
	CodePollUpdate: Multishot | Level,
	CodeSignal:     Multishot,
	CodeTimer:      Multishot,
	CodeClockSet:   Multishot,
}

// refuse returns a request that Submit turns down with the given reason:
// constructors have no error result, so that requests can be written in line.
func refuse(code Code, format string, args ...any) Request {
	return Request{Code: CodeInvalid, Arg: &Error{Code: code, Err: Invalid(format, args...)}}
}

// refuseErr is refuse for a reason that is an error already.
func refuseErr(code Code, err error) Request {
	return Request{Code: CodeInvalid, Arg: &Error{Code: code, Err: err}}
}

// Validate reports what is wrong with r, as far as that can be known without
// asking the kernel: Submit calls it first and refuses the request with the
// same error, which matches ErrInvalid. A bad descriptor is not found here; its
// request completes with EBADF. Validate does not allocate for a valid request.
func (r *Request) Validate() error {
	// One test for what all operations share keeps the usual path short.
	if r.Code <= CodeInvalid || r.Code >= codeEnd || r.Mode&^modesOf[r.Code] != 0 ||
		!r.Priority.Valid() || r.Timeout < 0 || r.Link > Hard || r.Index != 0 {
		return r.explain()
	}
	switch r.Code {
	case CodeRead, CodeWrite:
		if r.Offset < Current {
			return r.wrong("offset %d: want 0 or more, or Current", r.Offset)
		}
		return nil
	case CodeSend:
		if r.Arg != nil {
			return r.validateAddr()
		}
		return nil
	case CodeRecv, CodeNop:
		return nil
	case CodeTimer:
		return r.validateTimer()
	case CodePoll, CodePollUpdate:
		return r.validatePoll()
	case CodeAccept:
		return r.validateAccept()
	case CodeFlock, CodeOFDLock:
		return r.validateLock()
	}
	return r.validateArg()
}

// explain names the first of the checks in Validate that failed, and goes on
// with the requests that only look as if one had.
func (r *Request) explain() error {
	switch {
	case r.Code == CodeInvalid:
		if err, ok := r.Arg.(error); ok {
			return err
		}
		return Invalid("a zero Request names no operation; use a constructor")
	case !r.Code.Valid():
		return Invalid("unknown operation %v", r.Code)
	case !r.Priority.Valid():
		return r.wrong("%v: want %v to %v", r.Priority, Lowest, Highest)
	case r.Timeout < 0:
		return r.wrong("timeout %v is negative", r.Timeout)
	case r.Link > Hard:
		return r.wrong("link %d: want Unlinked, Soft or Hard", uint8(r.Link))
	}
	if r.Mode&Drain != 0 {
		return r.validateDrain()
	}
	if r.Mode&Managed != 0 {
		return r.validateManaged()
	}
	if extra := r.Mode &^ modesOf[r.Code]; extra != 0 {
		return r.wrong("mode %#x: the operation does not have it", uint8(extra))
	}
	return r.wrong("index %d: the operation takes no registered buffer", r.Index)
}

func (r *Request) wrong(format string, args ...any) error {
	return &Error{Code: r.Code, Target: r.Describe(), Err: Invalid(format, args...)}
}

func (r *Request) validatePoll() error {
	switch {
	case r.Mode&Level != 0 && r.Mode&Multishot == 0:
		return r.wrong("mode Level goes with Multishot")
	case r.Mode&Multishot != 0 && r.Link != Unlinked && r.Code == CodePoll:
		return r.wrong("a multishot request has no single end for another to wait for")
	case r.Flags>>16 != 0:
		// EPOLLET, EPOLLONESHOT and so on: the mode says that here.
		return r.wrong("events %#x: want poll(2) events only", r.Flags)
	case r.Code == CodePollUpdate && r.Offset == 0:
		return r.wrong("the zero ID is no request")
	}
	return nil
}

func (r *Request) validateAccept() error {
	if r.Mode&Multishot != 0 && r.Link != Unlinked {
		return r.wrong("a multishot request has no single end for another to wait for")
	}
	if r.Arg == nil || r.WantsPeers() && r.Mode&Multishot != 0 {
		return nil
	}
	if a, ok := r.Arg.(*Sockaddr); !ok || a == nil {
		return r.wrong("argument %T: want a *Sockaddr that is not nil", r.Arg)
	}
	if r.Mode&Multishot != 0 {
		return r.wrong("a multishot accept has no room for addresses: use AcceptMultiAddr")
	}
	return nil
}
