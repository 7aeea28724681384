//go:build !linux

package ring

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"time"

	"github.com/sluicego/sluice/ops"
)

// Ring exists on Linux. Elsewhere its methods are here for programs to compile,
// and New makes none.
type Ring struct{}

// New fails with ErrNotSupported: this system is not Linux.
func New(cfg Config) (*Ring, error) {
	if err := cfg.normalize(); err != nil {
		return nil, fmt.Errorf("ring.New: %w", err)
	}
	return nil, fmt.Errorf("ring.New: %w: %s is not Linux", ops.ErrNotSupported, runtime.GOOS)
}

// Submit fails with ErrNotSupported.
func (r *Ring) Submit(ops.Request) (ops.ID, error) { return 0, ops.ErrNotSupported }

// Queue fails with ErrNotSupported.
func (r *Ring) Queue(ops.Request) (ops.ID, error) { return 0, ops.ErrNotSupported }

// SubmitAll fails with ErrNotSupported.
func (r *Ring) SubmitAll([]ops.Request, []ops.ID) error { return ops.ErrNotSupported }

// QueueAll fails with ErrNotSupported.
func (r *Ring) QueueAll([]ops.Request, []ops.ID) error { return ops.ErrNotSupported }

// Flush fails with ErrNotSupported.
func (r *Ring) Flush() error { return ops.ErrNotSupported }

// Wait fails with ErrNotSupported.
func (r *Ring) Wait([]ops.Completion, int, time.Duration) (int, error) {
	return 0, ops.ErrNotSupported
}

// WaitUntil fails with ErrNotSupported.
func (r *Ring) WaitUntil([]ops.Completion, int, time.Time) (int, error) {
	return 0, ops.ErrNotSupported
}

// WaitBatch fails with ErrNotSupported.
func (r *Ring) WaitBatch(_ []ops.Completion, _ int, _, _ time.Duration) (int, error) {
	return 0, ops.ErrNotSupported
}

// Completions yields nothing.
func (r *Ring) Completions(context.Context) iter.Seq[ops.Completion] {
	return func(func(ops.Completion) bool) {}
}

// Do fails with ErrNotSupported.
func (r *Ring) Do(context.Context, ops.Request) (ops.Completion, error) {
	return ops.Completion{}, ops.ErrNotSupported
}

// Cancel fails with ErrNotSupported.
func (r *Ring) Cancel(ops.ID) error { return ops.ErrNotSupported }

// CancelEach returns 0.
func (r *Ring) CancelEach([]ops.ID) int { return 0 }

// CancelFD fails with ErrNotSupported.
func (r *Ring) CancelFD(int) (int, error) { return 0, ops.ErrNotSupported }

// CancelAll fails with ErrNotSupported.
func (r *Ring) CancelAll() (int, error) { return 0, ops.ErrNotSupported }

// SetPriority fails with ErrNotSupported.
func (r *Ring) SetPriority(ops.ID, ops.Priority) error { return ops.ErrNotSupported }

// UpdateTimer fails with ErrNotSupported.
func (r *Ring) UpdateTimer(ops.ID, ops.Request) error { return ops.ErrNotSupported }

// SetDeadline fails with ErrNotSupported.
func (r *Ring) SetDeadline(ops.ID, time.Time) error { return ops.ErrNotSupported }

// Wake does nothing.
func (r *Ring) Wake() {}

// Post fails with ErrNotSupported.
func (r *Ring) Post(any, ops.Priority) (ops.ID, error) { return 0, ops.ErrNotSupported }

// Info returns nothing.
func (r *Ring) Info() Info { return Info{} }

// Stats returns nothing.
func (r *Ring) Stats() Stats { return Stats{} }

// FD fails with ErrNotSupported.
func (r *Ring) FD() (int, error) { return -1, ops.ErrNotSupported }

// Close does nothing.
func (r *Ring) Close() error { return nil }
