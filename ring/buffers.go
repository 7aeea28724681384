package ring

import (
	"math/bits"
	"os"
	"slices"

	"github.com/sluicego/sluice/ops"
)

// Defaults and limits of BufferConfig and PoolConfig.
const (
	DefaultGroupBuffers = 256
	MaxGroupBuffers     = 1 << 15
	DefaultBufferSize   = 4096
	MaxBufferSize       = 1 << 26
	DefaultRegion       = 1 << 20
	DefaultPoolLimit    = 1 << 26

	maxGroupBytes = 1<<31 - 1
	maxRegion     = 1 << 30 // the kernel's limit for a registered buffer
	sector        = 512
)

// DefaultPoolSizes returns the buffer sizes of a pool that names none: 4, 16, 64
// and 256 KiB.
func DefaultPoolSizes() []int { return []int{4 << 10, 16 << 10, 64 << 10, 256 << 10} }

// BufferConfig says what buffers to make. Values out of range are refused with
// ErrInvalid.
type BufferConfig struct {
	// Buffers is their number: 1 to MaxGroupBuffers, rounded up to a power of two;
	// 0 is DefaultGroupBuffers.
	Buffers int

	// Size is the size of each in bytes: 1 to MaxBufferSize; 0 is
	// DefaultBufferSize. A datagram that is longer is cut.
	Size int

	// Incremental lets small pieces share a buffer: each request takes as much of
	// it as it needs, and it goes back when all its parts are released. Kernel 6.12;
	// NewBufferRing fails with ErrNotSupported on others. Not for RecvmsgMulti and
	// ReadSelect, and bundles fill one buffer at a time.
	Incremental bool
}

// normalize fills in the defaults, or says what is out of range.
func (c *BufferConfig) normalize() error {
	if c.Buffers < 0 || c.Buffers > MaxGroupBuffers {
		return ops.Invalid("BufferConfig.Buffers %d: want 0 for the default, or 1 to %d", c.Buffers, MaxGroupBuffers)
	}
	if c.Size < 0 || c.Size > MaxBufferSize {
		return ops.Invalid("BufferConfig.Size %d: want 0 for the default, or 1 to %d", c.Size, MaxBufferSize)
	}
	if c.Buffers == 0 {
		c.Buffers = DefaultGroupBuffers
	}
	if c.Size == 0 {
		c.Size = DefaultBufferSize
	}
	c.Buffers = 1 << bits.Len(uint(c.Buffers-1))
	if total := int64(c.Buffers) * int64(c.Size); total > maxGroupBytes {
		return ops.Invalid("BufferConfig: %d buffers of %d bytes are more than %d bytes", c.Buffers, c.Size, maxGroupBytes)
	}
	return nil
}

// PoolConfig says what buffers a pool has. Values out of range are refused with
// ErrInvalid.
type PoolConfig struct {
	// Sizes are those of the buffers in bytes, ascending: 512 to MaxBufferSize,
	// multiples of 512 so that O_DIRECT takes them. Nil is DefaultPoolSizes.
	Sizes []int

	// Region is how many bytes are mapped and registered at a time, at least the
	// largest of Sizes, rounded up to pages; 0 is DefaultRegion.
	Region int

	// Limit is how many bytes the pool may map in all, at least Region in pages; 0 is
	// DefaultPoolLimit. Without privilege RLIMIT_MEMLOCK counts them as well.
	Limit int
}

// normalize fills in the defaults, or says what is out of range.
func (c *PoolConfig) normalize() error {
	c.Sizes = slices.Clone(c.Sizes)
	if c.Sizes == nil {
		c.Sizes = DefaultPoolSizes()
	}
	last := 0
	for _, size := range c.Sizes {
		if size <= last || size%sector != 0 || size > MaxBufferSize {
			return ops.Invalid("PoolConfig.Sizes %v: want multiples of %d up to %d, ascending", c.Sizes, sector, MaxBufferSize)
		}
		last = size
	}
	if last == 0 {
		return ops.Invalid("PoolConfig.Sizes is empty")
	}
	if c.Region == 0 {
		c.Region = max(DefaultRegion, last)
	}
	page := os.Getpagesize()
	whole := (c.Region + page - 1) / page * page
	if c.Limit == 0 {
		c.Limit = max(DefaultPoolLimit, whole)
	}
	if c.Region < last || c.Region > maxRegion || c.Limit < whole {
		return ops.Invalid("PoolConfig.Region %d, Limit %d: want the largest buffer, %d, at least, and in whole pages not more than Limit or %d",
			c.Region, c.Limit, last, maxRegion)
	}
	c.Region = whole
	return nil
}

// PoolStats describes a BufferPool.
type PoolStats struct {
	Lent    int // buffers
	Free    int // buffers, without those that could be mapped
	Mapped  int // bytes, registered with the kernel
	Regions int
}
