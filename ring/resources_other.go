//go:build !linux

package ring

import (
	"context"
	"iter"

	"github.com/sluicego/sluice/ops"
)

// BufferRing exists on Linux: NewBufferRing makes none elsewhere.
type BufferRing struct{}

// NewBufferRing fails with ErrNotSupported.
func (r *Ring) NewBufferRing(BufferConfig) (*BufferRing, error) { return nil, ops.ErrNotSupported }

// GroupID returns 0.
func (g *BufferRing) GroupID() uint16 { return 0 }

// Size returns 0.
func (g *BufferRing) Size() int { return 0 }

// Buffers returns 0.
func (g *BufferRing) Buffers() int { return 0 }

// Lent returns 0.
func (g *BufferRing) Lent() int { return 0 }

// Close does nothing.
func (g *BufferRing) Close() error { return nil }

// BufferPool exists on Linux: NewBufferPool makes none elsewhere.
type BufferPool struct{}

// NewBufferPool fails with ErrNotSupported.
func (r *Ring) NewBufferPool(PoolConfig) (*BufferPool, error) { return nil, ops.ErrNotSupported }

// Get fails with ErrNotSupported.
func (p *BufferPool) Get(int) (ops.Fixed, error) { return ops.Fixed{}, ops.ErrNotSupported }

// Stats returns nothing.
func (p *BufferPool) Stats() PoolStats { return PoolStats{} }

// Trim does nothing.
func (p *BufferPool) Trim() (int, error) { return 0, nil }

// Close does nothing.
func (p *BufferPool) Close() error { return nil }

// RegisterPersonality fails with ErrNotSupported.
func (r *Ring) RegisterPersonality() (uint16, error) { return 0, ops.ErrNotSupported }

// UnregisterPersonality fails with ErrNotSupported.
func (r *Ring) UnregisterPersonality(uint16) error { return ops.ErrNotSupported }

// ReadFiles yields ErrNotSupported.
func (r *Ring) ReadFiles(context.Context, iter.Seq[string], ReadFilesConfig) iter.Seq2[FileData, error] {
	return func(yield func(FileData, error) bool) { yield(FileData{}, ops.ErrNotSupported) }
}

// SendDirect fails with ErrNotSupported.
func (r *Ring) SendDirect(context.Context, ops.Direct, *Ring) (ops.Direct, error) {
	return ops.Direct{}, ops.ErrNotSupported
}

// Inbox exists on Linux: NewInbox makes none elsewhere.
type Inbox struct{}

// NewInbox fails with ErrNotSupported.
func (r *Ring) NewInbox(any, ops.Priority) (*Inbox, error) { return nil, ops.ErrNotSupported }

// ID returns 0.
func (in *Inbox) ID() ops.ID { return 0 }

// Address returns no descriptor.
func (in *Inbox) Address() (ring int, name uint64) { return -1, 0 }

// Close does nothing.
func (in *Inbox) Close() {}
