package ops

// PipeEnds receives the descriptors of a new pipe.
type PipeEnds struct {
	// FDs are what the kernel writes: first the end to read from, then the one to
	// write to.
	FDs [2]int32
}

// Pipe returns a request to make a pipe, like pipe2(2): flags is 0 or some of
// unix.O_NONBLOCK, O_DIRECT. The completion's Pipe method returns both ends, which
// belong to whoever takes the completion, and are close-on-exec: see Inheritable
// for the opposite. A request that fails or is cancelled has made no descriptor;
// one that was cancelled too late succeeds, as its result tells.
//
// ends belongs to the kernel until the terminal completion, and so to one
// request at a time. A nil ends is refused with ErrInvalid. EMFILE and ENFILE
// tell that descriptors ran out.
//
// Native from kernel 6.16 (io_uring_prep_pipe(3)).
func Pipe(ends *PipeEnds, flags int) Request {
	if ends == nil {
		return refuse(CodePipe, "no PipeEnds to fill")
	}
	return Request{Code: CodePipe, FD: -1, Flags: uint32(flags) | closeOnExec, Arg: ends}
}

// Pipe returns the descriptors that a Pipe request made, the end to read from and
// the one to write to, both of which the caller owns from now on; -1 and -1 after
// a failure and for other operations.
func (c *Completion) Pipe() (r, w int) {
	ends, ok := c.Arg.(*PipeEnds)
	if c.Res < 0 || c.Code != CodePipe || !ok {
		return -1, -1
	}
	if c.Flags&FlagDirect != 0 {
		return DirectAt(int(ends.FDs[0])).FD(), DirectAt(int(ends.FDs[1])).FD()
	}
	return int(ends.FDs[0]), int(ends.FDs[1])
}

// validatePipe checks that there is room for the descriptors.
func (r *Request) validatePipe() error {
	if ends, ok := r.Arg.(*PipeEnds); !ok || ends == nil {
		return r.wrong("argument %T: want a *PipeEnds that is not nil", r.Arg)
	}
	return nil
}
