package locks

import (
	"math"

	"github.com/sluicego/sluice/internal/locking"
	"github.com/sluicego/sluice/ops"
)

// What a request does with a lock.
const (
	Shared    = ops.LockShared    // takes a lock that others may share
	Exclusive = ops.LockExclusive // takes a lock that nobody shares
	Unlock    = ops.LockRelease   // gives the lock up; it never waits
)

// Flock returns a request for the flock(2) lock of the open file description
// behind fd: Shared, Exclusive or Unlock. N is 0. The package comment says in which
// order locks are granted and what becomes of the old lock when one is converted.
//
// Errors besides ErrCanceled and ErrTimeout are those of flock(2), such as EBADF
// and ENOLCK. There is no native route: a thread waits if somebody has to.
func Flock(fd int, t ops.LockType) ops.Request {
	return ops.Request{Code: ops.CodeFlock, FD: fd32(fd), Flags: uint32(t)}
}

// OFD returns a request for a lock on length bytes from start on, of the open file
// description behind fd (F_OFD_SETLKW in fcntl(2), kernel 3.15). Length 0 reaches to
// the end, however far the file grows, so 0, 0 is the whole file. Unlock can free
// part of a locked range. A shared lock needs a descriptor open for reading, an
// exclusive one for writing, else EBADF.
func OFD(fd int, t ops.LockType, start, length int64) ops.Request {
	return ranged(ops.CodeOFDLock, fd, t, start, length)
}

// Record returns a request for a POSIX record lock (F_SETLKW in fcntl(2)) with the
// arguments of OFD. It belongs to the whole process, and any close of the file
// drops it: read the package comment first.
func Record(fd int, t ops.LockType, start, length int64) ops.Request {
	return ranged(ops.CodeRecordLock, fd, t, start, length)
}

// Try returns a copy of r, made by Flock, OFD, Record or Mutex.Lock, that fails with
// EAGAIN rather than wait.
func Try(r ops.Request) ops.Request {
	r.Len |= locking.Once
	return r
}

// Holder describes a lock that is in the way. Pid is that of the process that holds
// it (of its own PID namespace's view, see fcntl(2)), or -1 for an OFD lock, which
// has no one owner: Holders may know who opened it.
type Holder = locking.Holder

// TestOFD returns a request that asks who keeps an OFD lock with these arguments
// from being granted. HolderOf reads the answer, of which there is one even where
// several locks are in the way, and which may be out of date on arrival. It never
// waits (F_OFD_GETLK in fcntl(2)).
func TestOFD(fd int, t ops.LockType, start, length int64) ops.Request {
	return ranged(ops.CodeLockTest, fd, t, start, length)
}

// TestRecord is TestOFD for a record lock: locks of this process are not in the way
// (F_GETLK).
func TestRecord(fd int, t ops.LockType, start, length int64) ops.Request {
	r := ranged(ops.CodeLockTest, fd, t, start, length)
	r.Len = locking.Record
	return r
}

// HolderOf returns the answer to a test: who is in the way, or nil if the lock
// could be had.
func HolderOf(c *ops.Completion) (*Holder, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	h, ok := c.Arg.(*Holder)
	if !ok || c.Code != ops.CodeLockTest {
		return nil, ops.Invalid("the completion of %s tells of no lock", c.Code)
	}
	return h, nil
}

func ranged(code ops.Code, fd int, t ops.LockType, start, length int64) ops.Request {
	return ops.Request{Code: code, FD: fd32(fd), Flags: uint32(t), Offset: start, Offset2: length}
}

// fd32 narrows a descriptor. What does not fit becomes -1, which is refused with
// EBADF.
func fd32(fd int) int32 {
	if fd < math.MinInt32 || fd > math.MaxInt32 {
		return -1
	}
	return int32(fd)
}
