package ring

import (
	"fmt"

	"github.com/sluicego/sluice/ops"
)

// RegisterPersonality remembers the credentials that the calling thread has now
// (user, groups, capabilities, as credentials(7) lists them) and returns their id,
// for ops.Request.WithPersonality: a server opens files as the user it serves, and
// keeps its own credentials. Requests without one use those of the Ring's making,
// also after a setuid(2) (trap 45).
//
// Go changes credentials of all threads at once (syscall.Setuid). To change those
// of one, lock the goroutine to its thread and use system calls such as
// unix.RawSyscall(unix.SYS_SETRESUID, ...), and undo it before unlocking.
//
// On a pinned Ring it is for the owner: others get ErrWrongThread.
//
// Kernel 5.6 (io_uring_register(2), IORING_REGISTER_PERSONALITY).
func (r *Ring) RegisterPersonality() (uint16, error) {
	r.mu.Lock()
	defer r.unlock()
	if err := r.mayRegister(); err != nil {
		return 0, fmt.Errorf("register personality: %w", err)
	}
	id, err := r.u.RegisterPersonality()
	if err != nil {
		return 0, err
	}
	return id, nil
}

// UnregisterPersonality forgets credentials. Requests that the kernel has keep
// them; those that are still queued end with EINVAL. It fails with EINVAL when
// there are none of that id. Closing the Ring forgets them all.
func (r *Ring) UnregisterPersonality(id uint16) error {
	r.mu.Lock()
	defer r.unlock()
	if err := r.mayRegister(); err != nil {
		return fmt.Errorf("unregister personality: %w", err)
	}
	return r.u.UnregisterPersonality(id)
}

// mayRegister reports whether the caller may change what is registered.
func (r *Ring) mayRegister() error {
	switch {
	case r.closing:
		return ops.ErrClosed
	case r.cfg.Pinned && !r.owner.isCaller():
		return ops.ErrWrongThread
	}
	return nil
}
