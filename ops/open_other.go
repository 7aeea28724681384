//go:build !linux

package ops

const largeFile = 0

func inheritableHow(arg any) any { return arg }

// validateStruct refuses what needs structures of the Linux kernel.
func (r *Request) validateStruct() error { return &Error{Code: r.Code, Err: ErrNotSupported} }
