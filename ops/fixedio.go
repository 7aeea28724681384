package ops

// ReadFixed is Read into a registered buffer: up to b.Len bytes. Release of b
// panics until the terminal completion has been taken. A b that was released is
// refused with ErrInvalid.
//
// Native from kernel 5.1, into the pools of package ring from 5.19
// (io_uring_prep_read_fixed(3)).
func ReadFixed(fd int, b Fixed, off int64) Request { return fixed(CodeReadFixed, fd, b, off) }

// WriteFixed is Write from a registered buffer: b.Len bytes.
//
// Native from kernel 5.1, from the pools of package ring from 5.19
// (io_uring_prep_write_fixed(3)).
func WriteFixed(fd int, b Fixed, off int64) Request { return fixed(CodeWriteFixed, fd, b, off) }

func fixed(code Code, fd int, b Fixed, off int64) Request {
	if b.m == nil {
		return refuse(code, "the zero Fixed is no buffer")
	}
	if !b.m.lentAs(b.generation) {
		return refuse(code, "the buffer was released")
	}
	return Request{
		Code: code, Mode: Managed, FD: fd32(fd), Offset: off,
		Buf: b.Bytes(), Index: b.m.index, Arg: b.m, FD2: int32(b.generation),
	}
}

// FixedVectors is the argument of ReadvFixed and WritevFixed, which make it. It
// belongs to the kernel until the terminal completion.
type FixedVectors struct {
	Vectors
	members []Fixed
}

// ReadvFixed is Readv into parts of registered memory, which must lie in one
// registered region, as slices of one Fixed do; otherwise the request is refused
// with ErrInvalid.
//
// Native from kernel 6.15 (io_uring_prep_readv_fixed(3)).
func ReadvFixed(fd int, bufs []Fixed, off int64) Request {
	return vectoredFixed(CodeReadvFixed, fd, bufs, off)
}

// WritevFixed is Writev from parts of registered memory, with the limits of
// ReadvFixed.
//
// Native from kernel 6.15 (io_uring_prep_writev_fixed(3)).
func WritevFixed(fd int, bufs []Fixed, off int64) Request {
	return vectoredFixed(CodeWritevFixed, fd, bufs, off)
}

func vectoredFixed(code Code, fd int, bufs []Fixed, off int64) Request {
	if len(bufs) == 0 || len(bufs) > maxVectors {
		return refuse(code, "%d buffers: want 1 to %d", len(bufs), maxVectors)
	}
	v := &FixedVectors{members: append([]Fixed(nil), bufs...)}
	for i, b := range bufs {
		switch {
		case b.m == nil || !b.m.lentAs(b.generation):
			return refuse(code, "buffer %d of %d is none, or was released", i+1, len(bufs))
		case b.m.index != bufs[0].m.index || b.m.lender != bufs[0].m.lender:
			return refuse(code, "buffer %d of %d lies in another registered region than the first", i+1, len(bufs))
		}
		v.bufs = append(v.bufs, b.Bytes())
	}
	v.load(v.bufs)
	return Request{Code: code, Mode: Managed, FD: fd32(fd), Offset: off, Index: bufs[0].m.index, Arg: v}
}

// FixedLender returns the pool whose registered memory r uses; nil for none.
func (r *Request) FixedLender() FixedLender {
	switch a := r.Arg.(type) {
	case *FixedMemory:
		return a.lender
	case *FixedVectors:
		return a.members[0].m.lender
	}
	return nil
}

// HoldFixed notes that r uses its registered memory, for engines. It reports
// false when that was released.
func (r *Request) HoldFixed() bool {
	switch a := r.Arg.(type) {
	case *FixedMemory:
		return a.hold(uint32(r.FD2))
	case *FixedVectors:
		for i, b := range a.members {
			if !b.m.hold(b.generation) {
				for _, held := range a.members[:i] {
					held.m.letGo()
				}
				return false
			}
		}
	}
	return true
}

// LetGoFixed undoes HoldFixed, when r is complete.
func (r *Request) LetGoFixed() {
	switch a := r.Arg.(type) {
	case *FixedMemory:
		a.letGo()
	case *FixedVectors:
		for _, b := range a.members {
			b.m.letGo()
		}
	}
}

// validateFixed checks the requests that use registered memory, or could.
func (r *Request) validateFixed() error {
	var index uint16
	switch a := r.Arg.(type) {
	case *FixedMemory:
		if a == nil || r.Code != CodeReadFixed && r.Code != CodeWriteFixed && r.Code != CodeSendZC {
			return r.wrong("argument %T: use a constructor", r.Arg)
		}
		index = a.index
	case *FixedVectors:
		if a == nil || len(a.members) == 0 || r.Code != CodeReadvFixed && r.Code != CodeWritevFixed {
			return r.wrong("argument %T: use a constructor", r.Arg)
		}
		index = a.members[0].m.index
	default:
		return r.validateZC()
	}
	if r.Index != index {
		return r.wrong("index %d: want the buffer's own, %d", r.Index, index)
	}
	if r.Offset < Current {
		return r.wrong("offset %d: want 0 or more, or Current", r.Offset)
	}
	return nil
}
