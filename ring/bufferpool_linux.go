package ring

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// BufferPool lends buffers that are registered with the kernel, for ops.ReadFixed,
// WriteFixed, ReadvFixed, WritevFixed and SendZCFixed. They lie outside Go's heap,
// in regions that are mapped and registered as they are needed. Make one with
// NewBufferPool. All methods may be called from any goroutine, but on a pinned Ring
// only its owner can make the pool grow or shrink.
type BufferPool struct {
	r   *Ring
	cfg PoolConfig

	// mu guards what follows. It comes after Ring.mu.
	mu      sync.Mutex
	classes []poolClass
	regions []*region
	mapped  int // bytes
	lent    int
	closed  bool
}

// poolClass is the buffers of one size.
type poolClass struct {
	size int
	free []*ops.FixedMemory
}

// region is memory that is registered as one buffer, and cut into those of a class.
type region struct {
	index uint16
	class int
	mem   []byte
	lent  int
}

// NewBufferPool makes an empty pool for requests on r.
//
// It fails with ErrInvalid for a PoolConfig out of range, with ErrNotSupported
// before kernel 5.19, with ErrWrongThread on a pinned Ring that the caller does
// not own, and with ErrClosed.
func (r *Ring) NewBufferPool(cfg PoolConfig) (*BufferPool, error) {
	if err := cfg.normalize(); err != nil {
		return nil, fmt.Errorf("new buffer pool: %w", err)
	}
	p := &BufferPool{r: r, cfg: cfg}
	for _, size := range cfg.Sizes {
		p.classes = append(p.classes, poolClass{size: size})
	}
	r.mu.Lock()
	defer r.unlock()
	if err := r.addPool(p); err != nil {
		return nil, fmt.Errorf("new buffer pool: %w", err)
	}
	return p, nil
}

// Get lends a buffer of at least n bytes, cut to n. It belongs to the caller until
// Release. What an earlier user has left is in it.
//
// It fails with ErrInvalid for n below 1 or above the largest size, with
// ErrNoBuffer when PoolConfig.Limit is reached, and with ErrClosed. When the pool
// has to grow it may fail with ENOMEM, which mostly means RLIMIT_MEMLOCK, and with
// ErrWrongThread where the caller does not own the pinned Ring.
func (p *BufferPool) Get(n int) (ops.Fixed, error) {
	class, found := slices.BinarySearchFunc(p.cfg.Sizes, n, func(size, n int) int { return size - n })
	if !found && class == len(p.cfg.Sizes) || n < 1 {
		return ops.Fixed{}, fmt.Errorf("get buffer: %w",
			ops.Invalid("%d bytes: want 1 to %d", n, p.cfg.Sizes[len(p.cfg.Sizes)-1]))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.classes[class]
	if len(c.free) == 0 {
		if err := p.grow(class); err != nil {
			return ops.Fixed{}, fmt.Errorf("get buffer of %d bytes: %w", n, err)
		}
	}
	m := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	p.lent++
	p.regionOf(m).lent++
	return m.Lend(n), nil
}

// TakeBack is what Release of a buffer calls.
func (p *BufferPool) TakeBack(m *ops.FixedMemory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	region := p.regionOf(m)
	region.lent--
	p.lent--
	if p.closed {
		if region.lent == 0 {
			p.unmap(region)
		}
		return
	}
	c := &p.classes[region.class]
	c.free = append(c.free, m)
}

// regionOf returns the region in which m lies.
func (p *BufferPool) regionOf(m *ops.FixedMemory) *region {
	i, _ := slices.BinarySearchFunc(p.regions, m.Index(), func(r *region, index uint16) int { return int(r.index) - int(index) })
	return p.regions[i]
}

// grow maps and registers one more region. mu is held.
func (p *BufferPool) grow(class int) error {
	size := p.cfg.Region
	switch {
	case p.closed:
		return ops.ErrClosed
	case p.mapped+size > p.cfg.Limit:
		return fmt.Errorf("%w: %d of %d bytes are mapped", ops.ErrNoBuffer, p.mapped, p.cfg.Limit)
	case p.r.cfg.Pinned && !p.r.owner.isCaller():
		return fmt.Errorf("%w: the pool has to grow", ops.ErrWrongThread)
	}
	mem, err := mapMemory(size)
	if err != nil {
		return err
	}
	index, err := p.r.registerRegion(mem)
	if err != nil {
		return errors.Join(explainMemlock(err, size), unix.Munmap(mem))
	}
	at, _ := slices.BinarySearchFunc(p.regions, index, func(r *region, index uint16) int { return int(r.index) - int(index) })
	p.regions = slices.Insert(p.regions, at, &region{index: index, class: class, mem: mem})
	p.mapped += size
	c := &p.classes[class]
	for i := 0; i+c.size <= size; i += c.size {
		c.free = append(c.free, ops.NewFixedMemory(mem[i:i+c.size:i+c.size], index, p))
	}
	return nil
}

// explainMemlock says what limits registered memory (trap 40).
func explainMemlock(err error, size int) error {
	var limit unix.Rlimit
	if !errors.Is(err, syscall.ENOMEM) || unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) != nil {
		return err
	}
	return fmt.Errorf("%w: %d more bytes of registered memory may be beyond RLIMIT_MEMLOCK, which is %d for all rings of this user: raise it, or lower PoolConfig.Limit and Region",
		err, size, limit.Cur)
}
