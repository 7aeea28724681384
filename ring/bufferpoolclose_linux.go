package ring

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// fixedTable is the Ring's table of registered buffers, each a region of a pool.
type fixedTable struct {
	made  bool
	taken [maxRegions]bool
	pools []*BufferPool
}

// maxRegions is the number of regions of all pools of a Ring.
const maxRegions = 1024

// addPool makes the table if there is none, and notes p. Ring.mu is held.
func (r *Ring) addPool(p *BufferPool) error {
	t := &r.res.fixed
	if err := r.mayRegister(); err != nil {
		return err
	}
	if !t.made {
		if err := r.u.RegisterBuffersSparse(maxRegions); err != nil {
			if errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("%w: want kernel 5.19", ops.ErrNotSupported)
			}
			return err
		}
		t.made = true
	}
	t.pools = append(t.pools, p)
	return nil
}

// registerRegion has the kernel pin mem, and returns its index. It is called with
// a pool's mu held, and so without Ring.mu.
func (r *Ring) registerRegion(mem []byte) (uint16, error) {
	r.fixedMu.Lock()
	defer r.fixedMu.Unlock()
	i := slices.Index(r.res.fixed.taken[:], false)
	if i < 0 {
		return 0, fmt.Errorf("%w: the ring has %d regions", ops.ErrNoBuffer, maxRegions)
	}
	if _, err := r.u.UpdateBuffers(uint32(i), [][]byte{mem}, nil); err != nil {
		return 0, err
	}
	r.res.fixed.taken[i] = true
	return uint16(i), nil
}

// unregisterRegion has the kernel let go of a region.
func (r *Ring) unregisterRegion(index uint16) error {
	r.fixedMu.Lock()
	defer r.fixedMu.Unlock()
	_, err := r.u.UpdateBuffers(uint32(index), [][]byte{nil}, nil)
	if err == nil {
		r.res.fixed.taken[index] = false
	}
	return err
}

// holdFixed notes one more request that uses registered memory.
func (r *Ring) holdFixed(req *ops.Request) error {
	lender := req.FixedLender()
	if lender == nil {
		return nil // a zero-copy send of ordinary memory
	}
	if p, ok := lender.(*BufferPool); !ok || p.r != r {
		return ops.Invalid("its buffer is of a pool of another ring")
	}
	if !req.HoldFixed() {
		return ops.Invalid("its buffer was released")
	}
	return nil
}

// Stats returns the counts of this moment.
func (p *BufferPool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PoolStats{Lent: p.lent, Mapped: p.mapped, Regions: len(p.regions)}
	for i := range p.classes {
		s.Free += len(p.classes[i].free)
	}
	return s
}

// Trim gives regions back of which no buffer is lent, and returns how many bytes
// that were. On a pinned Ring it is for the owner: others get ErrWrongThread.
func (p *BufferPool) Trim() (bytes int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, nil
	}
	if p.r.cfg.Pinned && !p.r.owner.isCaller() {
		return 0, fmt.Errorf("trim pool: %w", ops.ErrWrongThread)
	}
	for _, idle := range slices.Clone(p.regions) {
		if idle.lent > 0 {
			continue
		}
		if err := p.r.unregisterRegion(idle.index); err != nil {
			return bytes, fmt.Errorf("trim pool: %w", err)
		}
		bytes += len(idle.mem)
		p.unmap(idle)
	}
	return bytes, nil
}

// Close gives up what is not lent; lent buffers stay good until they are released.
// It fails with ErrBusy while some are lent and the Ring is open: requests may use
// them. Closing the Ring closes its pools.
func (p *BufferPool) Close() error {
	if _, err := p.Trim(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lent > 0 && !p.closed {
		return fmt.Errorf("close pool: %w: %d buffers are lent", ops.ErrBusy, p.lent)
	}
	p.closed = true
	return nil
}

// shut is Close for a Ring that is closed: the kernel has let go of everything.
func (p *BufferPool) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, idle := range slices.Clone(p.regions) {
		if idle.lent == 0 {
			p.unmap(idle)
		}
	}
}

// unmap gives up a region that the kernel does not know any more. mu is held.
func (p *BufferPool) unmap(gone *region) {
	p.regions = slices.DeleteFunc(p.regions, func(r *region) bool { return r == gone })
	c := &p.classes[gone.class]
	c.free = slices.DeleteFunc(c.free, func(m *ops.FixedMemory) bool { return m.Index() == gone.index })
	p.mapped -= len(gone.mem)
	_ = unix.Munmap(gone.mem) // it is ours and whole
}
