package ring

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// BufferRing is a group of buffers from which the kernel picks one when a request
// (ops.RecvMulti, RecvSelect, ReadMulti, ReadSelect, RecvmsgMulti) has something to
// put into it. The completion owns its buffer until Release. Make one with
// NewBufferRing. All methods may be called from any goroutine, but for a pinned
// Ring's Close.
//
// Nothing is lost when the buffers run out: the requests pause, and go on when one
// is released. A program that holds on to them all waits for ever.
type BufferRing struct {
	r     *Ring
	cfg   BufferConfig
	group uint16
	users int // requests that pick from it; Ring.mu guards it

	starved []uint64 // requests that wait for a buffer; Ring.mu guards it

	// mu guards what follows. It comes after Ring.mu.
	mu      sync.Mutex
	br      *uring.BufRing // nil when closed
	mem     []byte         // all the buffers; unmapped when closed and nothing is lent
	buffers []provided
	last    uint16 // the buffer that was provided last
	loans   []*ops.Loan
	idle    []uint32 // indices of loans that are not running
	lent    int      // loans that run
	returns uint32   // buffers given back so far
	hungry  bool     // starved is not empty
}

// provided is a buffer. With incremental consumption parts of it are lent one by
// one, while the kernel still fills it.
type provided struct {
	used  uint32 // bytes handed out
	parts uint32 // loans that run
	spent bool   // the kernel is done with it
	at    uint16 // its position in the ring
	next  uint16 // the buffer that was provided after it
}

// NewBufferRing makes a group of buffers for requests on r. They lie outside Go's
// heap, Buffers times Size bytes.
//
// It fails with ErrInvalid for a BufferConfig out of range, with ErrNotSupported
// before kernel 5.19, with ErrWrongThread on a pinned Ring that the caller does
// not own, with ErrClosed, and with ENOMEM.
func (r *Ring) NewBufferRing(cfg BufferConfig) (*BufferRing, error) {
	if err := cfg.normalize(); err != nil {
		return nil, fmt.Errorf("new buffer ring: %w", err)
	}
	g := &BufferRing{r: r, cfg: cfg, buffers: make([]provided, cfg.Buffers)}
	r.mu.Lock()
	defer r.unlock()
	if err := r.addGroup(g); err != nil {
		return nil, fmt.Errorf("new buffer ring: %w", err)
	}
	for i := range g.buffers {
		g.provide(uint16(i))
	}
	g.br.Publish()
	return g, nil
}

func (r *Ring) addGroup(g *BufferRing) (err error) {
	if err := r.mayRegister(); err != nil {
		return err
	}
	if len(r.res.groups) > math.MaxUint16 {
		return fmt.Errorf("%w: it has %d groups", ops.ErrBusy, len(r.res.groups))
	}
	for r.res.groups[g.group] != nil {
		g.group++
	}
	if g.mem, err = mapMemory(g.cfg.Buffers * g.cfg.Size); err != nil {
		return err
	}
	flags := uint16(0)
	if g.cfg.Incremental {
		flags = uring.PbufInc
	}
	g.br, err = r.u.RegisterBufRing(g.group, uint32(g.cfg.Buffers), flags)
	if errors.Is(err, syscall.EINVAL) {
		err = fmt.Errorf("%w: want kernel 5.19, and 6.12 for incremental ones", ops.ErrNotSupported)
	}
	if err != nil {
		return errors.Join(err, unix.Munmap(g.mem))
	}
	if r.res.groups == nil {
		r.res.groups = map[uint16]*BufferRing{}
	}
	r.res.groups[g.group] = g
	return nil
}

// mapMemory returns memory outside Go's heap that children do not inherit.
func mapMemory(size int) ([]byte, error) {
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANONYMOUS|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("mmap of %d bytes: %w", size, err)
	}
	if err := unix.Madvise(mem, unix.MADV_DONTFORK); err != nil { // trap 12
		return nil, errors.Join(fmt.Errorf("madvise: %w", err), unix.Munmap(mem))
	}
	return mem, nil
}

// GroupID returns the number under which the kernel knows the group.
func (g *BufferRing) GroupID() uint16 { return g.group }

// Size returns the size of a buffer in bytes.
func (g *BufferRing) Size() int { return g.cfg.Size }

// Buffers returns the number of buffers.
func (g *BufferRing) Buffers() int { return g.cfg.Buffers }

// Lent returns how many completions, taken or not, own one now, or a part of one.
func (g *BufferRing) Lent() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lent
}

// Close gives the group up. It fails with ErrBusy while requests pick from it:
// cancel them first, and take their terminal completions. Buffers that are still
// lent stay good until they are released. Closing the Ring closes its groups.
func (g *BufferRing) Close() error {
	r := g.r
	r.mu.Lock()
	defer r.unlock()
	switch {
	case r.res.groups[g.group] != g:
		return nil
	case r.cfg.Pinned && !r.owner.isCaller():
		return fmt.Errorf("close buffer ring: %w", ops.ErrWrongThread)
	case g.users > 0:
		return fmt.Errorf("close buffer ring: %w: %d requests pick from it", ops.ErrBusy, g.users)
	}
	delete(r.res.groups, g.group)
	return g.shut()
}
