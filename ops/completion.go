package ops

import (
	"fmt"
	"syscall"
)

// Completion tells how a request, or one step of a multishot request, ended.
//
// Every accepted request yields exactly one terminal completion, the one whose
// More is false. It gives back the request's buffers.
type Completion struct {
	ID       ID
	Tag      any
	Code     Code
	Priority Priority
	// More is true while a multishot request continues to yield completions.
	More bool
	// Cause explains a Res of -ECANCELED.
	Cause Cause

	Target int32  // the request's descriptor
	Res    int32  // the raw result: not negative on success, else -errno
	Flags  uint32 // flags of the result that the operation's constructor documents

	Buf []byte // the request's buffer
	Arg any    // the request's argument, now filled in where the operation does so
}

// Cause says who ended a request that did not complete by itself.
type Cause uint8

const (
	// NoCause: the request ended by itself, or a predecessor in its chain failed.
	NoCause Cause = iota
	// ByCancel: Cancel was called.
	ByCancel
	// ByTimeout: the request's Timeout or Deadline passed.
	ByTimeout
	// ByClose: the Ring was closed.
	ByClose
)

// OK reports whether the request succeeded.
func (c *Completion) OK() bool { return c.Res >= 0 }

// N returns the number of bytes that were transferred, or the operation's other
// count; 0 after a failure.
func (c *Completion) N() int { return int(max(c.Res, 0)) }

// FD returns the descriptor that an open, accept, socket or install request made,
// which the caller owns from now on; -1 after a failure and for other operations.
// For direct descriptors see Direct.
func (c *Completion) FD() int {
	if c.Res < 0 || !c.Code.OpensDescriptor() || c.Flags&FlagDirect != 0 {
		return -1
	}
	return int(c.Res)
}

// Bytes returns the part of the request's buffer that was transferred, or what is
// in the buffer that the completion has borrowed: see Release. What a bundle has
// brought in several buffers it copies: see Pieces.
func (c *Completion) Bytes() []byte {
	if l := c.loan(); l != nil {
		return c.borrowed(l)
	}
	if c.Code.hasPath() {
		return nil
	}
	return c.Buf[:min(c.N(), len(c.Buf))]
}

// Errno returns the kernel's error number, 0 on success.
func (c *Completion) Errno() syscall.Errno { return syscall.Errno(max(-c.Res, 0)) }

// Err returns nil on success, else an *Error that names the operation, its
// target and the reason. errors.Is matches the errno, and ErrCanceled,
// ErrTimeout and ErrClosed.
func (c *Completion) Err() error {
	if c.Res >= 0 {
		return nil
	}
	return &Error{Code: c.Code, Target: c.target(), Err: c.reason()}
}

func (c *Completion) reason() error {
	errno := c.Errno()
	if err, ok := c.Arg.(error); ok && c.Code == CodeCall && c.Cause == NoCause {
		return err // the function's own
	}
	if errno == syscall.EOVERFLOW && c.Code == CodeSignal {
		return ErrSignalsLost
	}
	if errno != syscall.ECANCELED {
		return c.explained(errno)
	}
	switch c.Cause {
	case ByTimeout:
		return ErrTimeout
	case ByClose:
		return ErrClosed
	}
	return ErrCanceled
}

func (c *Completion) target() string { return target(c.Code, c.Target, c.Buf, c.Arg) }

// Describe names what r acts on, for error messages: a path, an address or a
// descriptor.
func (r *Request) Describe() string { return target(r.Code, r.FD, r.Buf, r.Arg) }

func target(code Code, fd int32, buf []byte, arg any) string {
	if code.hasPath() && len(buf) > 1 {
		if p, ok := arg.(*SecondPath); ok && p != nil {
			return string(buf[:len(buf)-1]) + " -> " + p.String()
		}
		return string(buf[:len(buf)-1])
	}
	switch code {
	case CodeConnect, CodeBind, CodeSignal, CodeChild, CodeKill, CodeGetxattr, CodeSetxattr, CodeReadFile, CodeMessage:
		if s, ok := arg.(fmt.Stringer); ok {
			return s.String()
		}
	case CodeMadvise, CodePipe, CodeNop, CodeTimer, CodeClockSet, CodePost, CodeSocket, CodePollUpdate, CodeCall, CodeMutex, CodeEvent, CodeInbox,
		CodeFutexWait, CodeFutexWake, CodeFutexWaitv:
		return ""
	}
	if d := DirectOf(int(fd)); d.Valid() {
		return d.String()
	}
	return fmt.Sprintf("fd %d", fd)
}
