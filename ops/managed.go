package ops

// managedModes holds the Mode bits that operations understand together with
// Managed; those that are missing are never managed.
var managedModes = [Codes]Mode{
	CodeOpen:        Managed,
	CodeOpen2:       Managed,
	CodeSocket:      Managed,
	CodePipe:        Managed,
	CodeAccept:      Managed | Multishot | PollFirst,
	CodeRegister:    Managed,
	CodeReadFile:    Managed,
	CodeRead:        Managed | Select,
	CodeReadMulti:   Managed | Select | Multishot,
	CodeRecv:        Managed | Select | Multishot | PollFirst | Bundle,
	CodeRecvmsg:     Managed | Select | Multishot | PollFirst,
	CodeReadFixed:   Managed,
	CodeWriteFixed:  Managed,
	CodeReadvFixed:  Managed,
	CodeWritevFixed: Managed,
	CodeSendZC:      Managed | PollFirst,
	CodeSendmsgZC:   Managed | PollFirst,
	CodeSendDirect:  Managed,
	CodeMessage:     Managed,
}

// validateManaged checks the requests whose resources the Ring looks after.
func (r *Request) validateManaged() error {
	if extra := r.Mode &^ managedModes[r.Code]; extra != 0 {
		return r.wrong("mode %#x: the operation does not have it", uint8(extra))
	}
	if r.Mode&Select != 0 {
		return r.validateSelect()
	}
	switch r.Code {
	case CodeOpen, CodeOpen2, CodeSocket, CodePipe, CodeAccept:
		return r.validateIntoDirect()
	case CodeRegister:
		if s, ok := r.Arg.(*FileSlot); !ok || s == nil {
			return r.wrong("argument %T: want the *FileSlot of its constructor", r.Arg)
		}
	case CodeReadFile:
		if p, ok := r.Arg.(*FilePath); !ok || p == nil || len(p.path) == 0 {
			return r.wrong("argument %T: want the *FilePath of its constructor", r.Arg)
		}
		if r.Link != Unlinked {
			return r.wrong("it is a chain of its own and cannot be part of another")
		}
	case CodeReadFixed, CodeWriteFixed, CodeReadvFixed, CodeWritevFixed, CodeSendZC, CodeSendmsgZC:
		return r.validateFixed()
	case CodeSendDirect:
		if !DirectOf(int(r.FD)).Valid() {
			return r.wrong("no direct descriptor")
		}
		if r.Arg != nil {
			return r.validateMessage()
		}
	case CodeMessage:
		return r.validateMessage()
	default:
		return r.wrong("mode Select is missing: use a constructor")
	}
	return r.noIndex()
}

func (r *Request) noIndex() error {
	if r.Index != 0 {
		return r.wrong("index %d: the operation takes no registered buffer", r.Index)
	}
	return nil
}

// validateIntoDirect checks a request that makes a direct descriptor, and that
// without it would make an ordinary one.
func (r *Request) validateIntoDirect() error {
	if r.FD2 != anyPlace {
		return r.wrong("place %d: use IntoDirect", r.FD2)
	}
	plain := *r
	plain.Mode &^= Managed
	plain.FD2 = 0
	return plain.Validate()
}
