package locking

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// operation is what a request wants to be done.
type operation struct {
	code       ops.Code
	kind       ops.LockType
	once       bool // fail with EAGAIN rather than wait
	fd         int32
	start, end int64 // of the range: end is beyond its last byte
	key        key   // what is locked, once identified
	arg        any   // of operations on words
}

// key names what is locked.
type key struct {
	space uint8 // flocks, ranges and words do not conflict with one another
	dev   uint64
	ino   uint64 // or the address of a word, or a number of its own
}

const (
	flocks uint8 = iota
	ranges
	words
	alone // conflicts with nothing
)

// toEnd is the end of a range without one.
const toEnd = 1<<63 - 1

// newOperation reads a request. It reports false if its argument is not what
// package locks makes.
func newOperation(req *ops.Request) (operation, bool) {
	op := operation{
		code:  req.Code,
		kind:  ops.LockType(req.Flags),
		once:  req.Len&Once != 0,
		fd:    req.FD,
		start: req.Offset,
		end:   toEnd,
	}
	switch req.Code {
	case ops.CodeOFDLock, ops.CodeRecordLock, ops.CodeLockTest:
		if req.Offset2 != 0 {
			op.end = req.Offset + req.Offset2
		}
	case ops.CodeFlock, ops.CodeFutexWake:
	default:
		op.kind, op.start, op.arg = kindOf(req.Code), 0, wordOf(req)
		_, ok := op.arg.(Word)
		return op, ok
	}
	return op, true
}

// try does what can be done without blocking. EAGAIN means that it has to wait.
func (op *operation) try() syscall.Errno {
	switch op.code {
	case ops.CodeFlock:
		return flock(op.fd, flockHow[op.kind]|unix.LOCK_NB)
	case ops.CodeOFDLock:
		return op.setRange(unix.F_OFD_SETLK)
	case ops.CodeRecordLock:
		errno := op.setRange(unix.F_SETLK)
		if errno == syscall.EACCES {
			errno = syscall.EAGAIN // POSIX leaves the choice
		}
		return errno
	}
	return op.arg.(Word).Try()
}

// block waits for as long as it takes, or until c is interrupted, and then
// returns EINTR.
func (op *operation) block(c *interrupt.Call) syscall.Errno {
	if w, ok := op.arg.(Word); ok {
		return w.Block(c)
	}
	for !c.Interrupted() {
		if errno := op.check(); errno != 0 {
			return errno
		}
		var errno syscall.Errno
		switch op.code {
		case ops.CodeFlock:
			errno = flock(op.fd, flockHow[op.kind])
		case ops.CodeOFDLock:
			errno = op.setRange(unix.F_OFD_SETLKW)
		default:
			errno = op.setRange(unix.F_SETLKW)
		}
		if errno != syscall.EINTR {
			return errno
		}
	}
	return syscall.EINTR
}

// identify finds out what the lock is on.
func (op *operation) identify() syscall.Errno {
	switch op.code {
	case ops.CodeFlock, ops.CodeOFDLock, ops.CodeRecordLock:
	default:
		space, number := op.arg.(Word).Key()
		op.key = key{space: space, ino: number}
		return 0
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(op.fd), &st); err != nil {
		return errnoOf(err)
	}
	op.key = key{space: ranges, dev: uint64(st.Dev), ino: st.Ino}
	if op.code == ops.CodeFlock {
		op.key.space = flocks
	}
	return 0
}

// check returns EBADF if the descriptor was closed while the request waited, and
// perhaps names another file now.
func (op *operation) check() syscall.Errno {
	now := *op
	if errno := now.identify(); errno != 0 || now.key == op.key {
		return errno
	}
	return syscall.EBADF
}

// kindOf returns how requests for the same word queue: an event is for all that
// wait, a mutex for one.
func kindOf(c ops.Code) ops.LockType {
	if c == ops.CodeMutex {
		return ops.LockExclusive
	}
	return ops.LockShared
}

// converts reports whether the operation changes a lock that its open file
// description holds already.
func (op *operation) converts() bool {
	return (op.code == ops.CodeFlock || op.code == ops.CodeOFDLock) && op.holds()
}

var flockHow = [...]int{
	ops.LockShared:    unix.LOCK_SH,
	ops.LockExclusive: unix.LOCK_EX,
	ops.LockRelease:   unix.LOCK_UN,
}

var rangeType = [...]int16{
	ops.LockShared:    unix.F_RDLCK,
	ops.LockExclusive: unix.F_WRLCK,
	ops.LockRelease:   unix.F_UNLCK,
}

func flock(fd int32, how int) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_FLOCK, uintptr(fd), uintptr(how), 0)
	return errno
}

func (op *operation) setRange(cmd int) syscall.Errno {
	l := op.flockT()
	return errnoOf(unix.FcntlFlock(uintptr(op.fd), cmd, &l))
}

// flockT returns the operation as fcntl takes it.
func (op *operation) flockT() unix.Flock_t {
	l := unix.Flock_t{Type: rangeType[op.kind], Whence: 0, Start: op.start}
	if op.end != toEnd {
		l.Len = op.end - op.start
	}
	return l
}

// Holder describes a lock that is in the way of another.
type Holder struct {
	Exclusive     bool
	Pid           int   // -1 for a lock of an open file description, which has no one owner
	Start, Length int64 // in bytes; Length 0 reaches to the end of the file
}

// test asks the kernel who keeps the lock from being granted.
func (op *operation) test(record bool) outside.Result {
	l, cmd := op.flockT(), unix.F_OFD_GETLK
	if record {
		cmd = unix.F_GETLK
	}
	if err := unix.FcntlFlock(uintptr(op.fd), cmd, &l); err != nil {
		return outside.Result{Res: -int32(errnoOf(err))}
	}
	if l.Type == unix.F_UNLCK {
		return outside.Result{Brought: (*Holder)(nil)}
	}
	return outside.Result{Res: 1, Brought: &Holder{
		Exclusive: l.Type == unix.F_WRLCK, Pid: int(l.Pid), Start: l.Start, Length: l.Len,
	}}
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if errno, ok := err.(syscall.Errno); ok {
		return errno
	}
	return syscall.EIO
}

// Word is what a request waits for in memory.
type Word interface {
	// Try takes what it wants, without blocking; EAGAIN if that is not to be had.
	Try() syscall.Errno
	// Retry is Try, repeated at intervals where there is no thread to Block.
	Retry() syscall.Errno
	// Block waits until it has it, or returns EINTR when c is interrupted.
	Block(c *interrupt.Call) syscall.Errno
	// Key says with whom it queues.
	Key() (space uint8, number uint64)
}

// Once in Request.Len makes a lock request fail with EAGAIN rather than wait.
// Record, in that of a test, asks as a record lock would.
const (
	Once   = 1
	Record = 2
)
