package ring

import (
	"fmt"

	"github.com/sluicego/sluice/ops"
)

// Post adds a completion of the caller's own: its Code is ops.CodePost, and it
// carries tag at priority p. Any goroutine may call it, to tell a loop in Wait of
// things that the kernel does not know.
//
// It fails with ErrFull when Capacity requests are pending, with ErrInvalid for a
// priority that does not exist, and with ErrClosed.
func (r *Ring) Post(tag any, p ops.Priority) (ops.ID, error) {
	if !p.Valid() {
		return 0, fmt.Errorf("post: %w", ops.Invalid("%v does not exist", p))
	}
	r.mu.Lock()
	defer r.unlock()
	if r.closing {
		return 0, r.errClosed("post")
	}
	if r.room() == 0 {
		return 0, fmt.Errorf("post: %w", ops.ErrFull)
	}
	r.noteLevel(p)
	s, id := r.slots.Alloc()
	s.req = ops.Request{Code: ops.CodePost, Priority: p, Tag: tag}
	s.marks = large
	r.stats.Submitted++
	r.finish(id, s, 0, 0)
	r.notify()
	return ops.ID(id), nil
}
