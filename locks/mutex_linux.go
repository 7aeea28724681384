package locks

import (
	"fmt"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/internal/locking"
	"github.com/sluicego/sluice/ops"
)

// MutexSize is the number of bytes that a Mutex takes.
const MutexSize = 8

// Mutex is a lock between processes, in memory that they share. A free lock costs
// one atomic operation, without a system call.
//
// Its owner is a process: it can be unlocked by any goroutine of the process that
// locked it, and a second Lock by the same process waits for the Unlock.
//
// A Mutex whose owner has died is granted to the next within a fraction of a
// second; OwnerDied tells, and what the lock guards may then be half changed. The
// lock holds its owner's process id and start time, and who waits looks in /proc
// whether such a process exists. (The kernel's robust lists will not do: they
// belong to threads, and goroutines change theirs.) So all processes must be in the
// same PID namespace, and see it in /proc; and a lock must be unlocked before its
// owner calls execve(2), which changes neither.
//
// Processes that use the same word by other means than this package are not
// understood.
type Mutex struct{ m locking.Mutex }

// MutexAt returns the Mutex in the first MutexSize bytes of mem, which is usually a
// mapping that processes share, and must remain mapped. Zero bytes are a free lock.
// mem must begin at a multiple of eight; ErrInvalid if it does not or is too short.
func MutexAt(mem []byte) (*Mutex, error) {
	w := futex.Word64(mem)
	if w == nil {
		return nil, ops.Invalid("a mutex takes %d bytes at a multiple of 8; %d given", MutexSize, len(mem))
	}
	return &Mutex{locking.Mutex{Word: w, Keep: mem}}, nil
}

// Lock returns a request that completes when the process has the lock. Priority,
// Timeout and cancelling work as for locks of files. If the owner had died, Res is
// 1: see OwnerDied.
func (m *Mutex) Lock() ops.Request {
	return ops.Request{Code: ops.CodeMutex, FD: -1, Arg: &m.m}
}

// TryLock takes the lock if it is free, without a Ring, and reports whether it did.
// It does not look whether an owner is dead.
func (m *Mutex) TryLock() bool { return m.m.Try() == 0 }

// Unlock frees the lock, and wakes somebody who waits for it. It needs no Ring, and
// never blocks. It fails with ErrInvalid if the process does not have the lock.
func (m *Mutex) Unlock() error {
	if !m.m.Unlock() {
		return fmt.Errorf("unlock a mutex: %w", ops.Invalid("this process does not hold it"))
	}
	return nil
}

// Owner returns the id of the process that has the lock, or 0.
func (m *Mutex) Owner() int { return m.m.Owner() }

// OwnerDied reports whether the completion of a Lock tells that the former owner
// died with the lock. The caller has it now, and should repair what it guards.
func OwnerDied(c *ops.Completion) bool {
	return c.Code == ops.CodeMutex && c.Res == 1
}
