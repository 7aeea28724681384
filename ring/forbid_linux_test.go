package ring

import (
	"slices"

	"github.com/sluicego/sluice/internal/uring"
)

// Forbid makes r believe that its kernel lacks these operations, for the tests.
func (r *Ring) Forbid(lacks ...uring.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forbid(func(op uring.Op) bool { return slices.Contains(lacks, op) })
}
