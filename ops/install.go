package ops

// Install returns a request to make an ordinary descriptor for the file of the
// direct one d. The completion's FD is the new descriptor, which belongs to
// whoever takes the completion, and is close-on-exec: see Inheritable for the
// opposite. Both can be used, and closed, independently. The zero Direct is refused
// with ErrInvalid; EBADF tells that d is not open.
//
// Native from kernel 6.8 (io_uring_prep_fixed_fd_install(3)).
func Install(d Direct) Request {
	return Request{Code: CodeInstall, FD: fd32(d.FD()), Flags: closeOnExec}
}

// validateInstall checks that r names a direct descriptor.
func (r *Request) validateInstall() error {
	if !DirectOf(int(r.FD)).Valid() {
		return r.wrong("no direct descriptor")
	}
	return nil
}
