package ops

import "bytes"

// validateArg checks the operations that are rare, or costly by themselves.
func (r *Request) validateArg() error {
	switch r.Code {
	case CodeReadv, CodeWritev:
		return r.validateVectors()
	case CodeRegister, CodeReadFile, CodeReadMulti, CodeReadFixed, CodeWriteFixed,
		CodeReadvFixed, CodeWritevFixed, CodeSendZC, CodeSendmsgZC, CodeSendDirect, CodeMessage:
		return r.wrong("mode Managed is missing: use a constructor")
	case CodeOpen, CodeUnlink, CodeMkdir:
		return r.validatePath(false)
	case CodeRename, CodeHardlink, CodeSymlink:
		return r.validateTwoPaths()
	case CodeGetxattr, CodeSetxattr, CodeFgetxattr, CodeFsetxattr:
		return r.validateXattr()
	case CodeSyncFileRange, CodeFadvise:
		return r.validateRange()
	case CodePipe:
		return r.validatePipe()
	case CodeInstall:
		return r.validateInstall()
	case CodeSocketName:
		return r.validateSocketName()
	case CodeOpen2, CodeStatx, CodeEpollCtl, CodeEpollWait:
		return r.validateStruct()
	case CodeFallocate:
		if r.Offset < 0 || r.Offset2 <= 0 {
			return r.wrong("offset %d, length %d: want 0 or more, and 1 or more", r.Offset, r.Offset2)
		}
	case CodeFtruncate:
		if r.Offset < 0 {
			return r.wrong("size %d is negative", r.Offset)
		}
	case CodeConnect, CodeBind:
		return r.validateAddr()
	case CodeSendmsg, CodeRecvmsg:
		m, ok := r.Arg.(*Msg)
		if !ok {
			return r.wrong("argument %T: want a *Msg", r.Arg)
		}
		if err := m.check(r.Code == CodeSendmsg); err != nil {
			return &Error{Code: r.Code, Target: r.Describe(), Err: err}
		}
	case CodeCall, CodeMutex, CodeEvent:
		if r.Arg == nil {
			return r.wrong("it has no argument: use a constructor")
		}
	case CodeFlock, CodeOFDLock, CodeRecordLock, CodeLockTest:
		return r.validateLock()
	case CodeFutexWait, CodeFutexWake, CodeFutexWaitv:
		return r.validateFutex()
	case CodeSignal:
		return r.validateSignal()
	case CodeChild:
		return r.validateChild()
	case CodeClockSet:
		return r.validateClockSet()
	case CodeKill:
		return r.validateSend()
	case CodeSplice:
		if r.Offset < Current || r.Offset2 < Current {
			return r.wrong("offsets %d and %d: want 0 or more, or Current", r.Offset2, r.Offset)
		}
	}
	return nil
}

func (r *Request) validateVectors() error {
	v, ok := r.Arg.(*Vectors)
	if !ok || v == nil {
		return r.wrong("argument %T: want a *Vectors that is not nil", r.Arg)
	}
	if r.Offset < Current {
		return r.wrong("offset %d: want 0 or more, or Current", r.Offset)
	}
	return nil
}

func (r *Request) validatePath(mayBeEmpty bool) error {
	// Requests are plain values: Buf may have been set without a constructor.
	n := bytes.IndexByte(r.Buf, 0)
	switch {
	case n < 0 || n != len(r.Buf)-1:
		return &Error{Code: r.Code, Err: Invalid("a path must end in its only NUL byte")}
	case n == 0 && !mayBeEmpty:
		return &Error{Code: r.Code, Err: errEmptyPath}
	case len(r.Buf) > pathMax:
		return &Error{Code: r.Code, Err: errLongPath}
	}
	return nil
}
