package ops

// Vectors is the argument of Readv and Writev: the buffers, in the form that the
// kernel reads. It is made by them, and belongs to the kernel until the terminal
// completion; a request may be submitted again after that.
type Vectors struct {
	bufs [][]byte
	native
}

// Buffers returns the buffers in the order in which they are filled or written.
func (v *Vectors) Buffers() [][]byte { return v.bufs }

// Readv returns a request to read from fd at byte offset off into the buffers
// of bufs, filling each before the next, like preadv(2); with off Current it is
// readv(2). N is the sum of bytes read, and may be short. The list is copied,
// the buffers belong to the kernel until the terminal completion. More than 1024
// buffers, and offsets below Current, are refused with ErrInvalid.
//
// Native from kernel 5.1, with Current from 5.6 (io_uring_prep_readv(3)).
func Readv(fd int, bufs [][]byte, off int64) Request {
	return vectored(CodeReadv, fd, bufs, off)
}

// Writev returns a request to write the buffers of bufs, one after the other, to
// fd at byte offset off, like pwritev(2); with off Current it is writev(2). N is
// the sum of bytes written, and may be short. Limits and ownership are those of
// Readv.
//
// Native from kernel 5.1, with Current from 5.6 (io_uring_prep_writev(3)).
func Writev(fd int, bufs [][]byte, off int64) Request {
	return vectored(CodeWritev, fd, bufs, off)
}

func vectored(code Code, fd int, bufs [][]byte, off int64) Request {
	if len(bufs) > maxVectors {
		return refuse(code, "%d buffers: the limit is %d", len(bufs), maxVectors)
	}
	v := &Vectors{bufs: append([][]byte(nil), bufs...)}
	v.load(v.bufs)
	return Request{Code: code, FD: fd32(fd), Offset: off, Arg: v}
}
