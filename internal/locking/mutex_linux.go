package locking

import (
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/internal/interrupt"
)

// Mutex is a lock in a word of memory that processes may share. Its owner is a
// process. The word:
//
//	bits 0-21   the owner's process id, 0 when free
//	bit  31     somebody may sleep on the lower half of the word
//	bits 32-63  when the owner started, so that a process which got the id of a
//	            dead owner is not taken for it
type Mutex struct {
	Word *atomic.Uint64
	Keep any // the memory
}

const (
	pidMask  = 1<<22 - 1 // PID_MAX_LIMIT
	sleepers = 1 << 31
)

// OwnerDied is the success of taking the lock of a process that has died.
const OwnerDied = Success + 1

// livenessInterval is how often a waiter looks whether the owner is alive. It also
// bounds the delay when a waiter was killed after it had been woken.
const livenessInterval = 50 * time.Millisecond

// Try takes the lock if it is free.
func (m *Mutex) Try() syscall.Errno {
	if m.Word.CompareAndSwap(0, self()) {
		return 0
	}
	return syscall.EAGAIN
}

// Retry is Try, and also takes a lock whose owner is dead.
func (m *Mutex) Retry() syscall.Errno {
	s := m.Word.Load()
	free := s&pidMask == 0
	if !free && alive(s) {
		return syscall.EAGAIN
	}
	if !m.Word.CompareAndSwap(s, self()|s&sleepers) {
		return syscall.EAGAIN
	}
	if free {
		return 0
	}
	return OwnerDied
}

// Block waits for the lock.
func (m *Mutex) Block(c *interrupt.Call) syscall.Errno {
	for {
		s := m.Word.Load()
		if s&pidMask == 0 {
			// Others may sleep still: whoever was woken keeps the bit for them.
			if m.Word.CompareAndSwap(s, self()|sleepers) {
				return 0
			}
			continue
		}
		if c.Interrupted() {
			m.passOn()
			return syscall.EINTR
		}
		if s&sleepers == 0 && !m.Word.CompareAndSwap(s, s|sleepers) {
			continue
		}
		s |= sleepers
		errno := futex.Wait(futex.Low(m.Word), uint32(s), futex.MatchAny, livenessInterval)
		if errno == syscall.ETIMEDOUT && !alive(s) && m.Word.CompareAndSwap(s, self()|sleepers) {
			return OwnerDied
		}
	}
}

// passOn sees to it that a wake-up which came to somebody who gives up is not lost
// for the others.
func (m *Mutex) passOn() {
	for {
		s := m.Word.Load()
		if s&pidMask == 0 {
			_, _ = futex.Wake(futex.Low(m.Word), 1, futex.MatchAny)
			return
		}
		if s&sleepers != 0 || m.Word.CompareAndSwap(s, s|sleepers) {
			return
		}
	}
}

// Unlock frees the lock and wakes one that waits. It reports false if this process
// does not hold it.
func (m *Mutex) Unlock() bool {
	for {
		s := m.Word.Load()
		if s&^sleepers != self() {
			return false
		}
		if m.Word.CompareAndSwap(s, 0) {
			if s&sleepers != 0 {
				_, _ = futex.Wake(futex.Low(m.Word), 1, futex.MatchAny)
			}
			return true
		}
	}
}

// Owner returns the process that holds the lock, 0 if none does.
func (m *Mutex) Owner() int { return int(m.Word.Load() & pidMask) }

// Key says with whom requests for the lock queue: all have one range.
func (m *Mutex) Key() (uint8, uint64) { return words, futex.Address(futex.Low(m.Word)) }
