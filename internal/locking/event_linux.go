package locking

import (
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/internal/interrupt"
)

// Event is a flag in a word of memory that processes may share: bit 0 is the flag,
// bit 1 says that somebody may sleep.
type Event struct {
	Word *atomic.Uint32
	Keep any // the memory
}

const (
	eventSet      = 1
	eventSleepers = 2
)

// wakeAll is more than there can be.
const wakeAll = 1<<31 - 1

// Set sets the flag and wakes all that wait for it.
func (e *Event) Set() {
	if e.Word.Swap(eventSet)&eventSleepers != 0 {
		_, _ = futex.Wake(e.Word, wakeAll, futex.MatchAny)
	}
}

// Reset clears the flag.
func (e *Event) Reset() { e.Word.CompareAndSwap(eventSet, 0) }

// Try reports whether the flag is set.
func (e *Event) Try() syscall.Errno {
	if e.Word.Load()&eventSet != 0 {
		return 0
	}
	return syscall.EAGAIN
}

// Retry is Try.
func (e *Event) Retry() syscall.Errno { return e.Try() }

// Block waits until the flag is set.
func (e *Event) Block(c *interrupt.Call) syscall.Errno {
	for {
		s := e.Word.Load()
		switch {
		case s&eventSet != 0:
			return 0
		case c.Interrupted():
			return syscall.EINTR
		case s&eventSleepers == 0 && !e.Word.CompareAndSwap(s, s|eventSleepers):
			continue
		}
		_ = futex.Wait(e.Word, s|eventSleepers, futex.MatchAny, time.Second)
	}
}

// Key says with whom requests for the event queue.
func (e *Event) Key() (uint8, uint64) { return words, futex.Address(e.Word) }
