//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
)

// lock is what -lock and -lock-timeout ask for.
type lock struct {
	wanted  bool
	kind    ops.LockType
	timeout time.Duration // 0 for none
}

func (l *lock) parse(name string) bool {
	switch name {
	case "none":
	case "shared":
		l.wanted, l.kind = true, locks.Shared
	case "exclusive":
		l.wanted, l.kind = true, locks.Exclusive
	default:
		return false
	}
	return true
}

// acquire asks for the operand's lock, when its turn has come: whoever held
// several, and waited for more, could wait for somebody who waits for it. The
// loop goes on meanwhile.
func (s *source) acquire() {
	l := s.cat.lock
	s.queue(locks.Flock(s.fd, l.kind).WithTimeout(l.timeout), s)
}

// locked follows the grant of the lock, which closing the file gives back.
func (s *source) locked(c *ops.Completion) {
	switch err := c.Err(); {
	case err == nil:
		s.unlocked = false
		s.examine()
	case errors.Is(err, ops.ErrTimeout):
		s.end(fmt.Errorf("locked by somebody else for more than %v", s.cat.lock.timeout))
	default:
		s.end(fmt.Errorf("cannot lock: %w", errors.Unwrap(err)))
	}
}
