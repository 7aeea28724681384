package ring

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// SendDirect copies the direct descriptor d of r into the table of the Ring to, and
// returns it as that one knows it: so one Ring accepts connections, and others serve
// them. Both can be used and closed independently. To tell a loop in to's Wait, Post
// the result there; ops.PostDirectTo does both in one, also inside a chain.
//
// It waits as Do does, and so for the owner of a pinned Ring to, who must be in
// Wait or enter it. It fails with EBADF when d is not open, with ErrNoDirect when
// to has no free place, with ErrInvalid when both are the same Ring, with ErrClosed,
// and with ErrWrongThread for a pinned Ring to that has no table yet: see
// Config.DirectFiles.
//
// Native from kernel 6.0 (io_uring_prep_msg_ring_fd_alloc(3)).
func (r *Ring) SendDirect(ctx context.Context, d ops.Direct, to *Ring) (ops.Direct, error) {
	if r == to {
		return ops.Direct{}, fmt.Errorf("send %v: %w", d, ops.Invalid("it is in this ring already"))
	}
	if r.u.Emulated() != to.u.Emulated() {
		return r.sendAcross(ctx, d, to)
	}
	fd, release, err := to.duplicate()
	if err != nil {
		return ops.Direct{}, fmt.Errorf("send %v: receiving ring: %w", d, err)
	}
	defer release()
	c, err := r.Do(ctx, ops.Request{Code: ops.CodeSendDirect, Mode: ops.Managed, FD: int32(d.FD()), FD2: int32(fd)})
	return c.Direct(), err
}

// duplicate returns a descriptor of the Ring, which stays good when the Ring is
// closed, and sees to it that there is a table of direct descriptors.
func (r *Ring) duplicate() (int, func(), error) {
	r.mu.Lock()
	defer r.unlock()
	if r.closing {
		return -1, nil, ops.ErrClosed
	}
	if err := r.needDirects(); err != nil {
		return -1, nil, err
	}
	fd, release, err := r.u.Duplicate()
	if err != nil {
		return -1, nil, fmt.Errorf("duplicate its descriptor: %w", err)
	}
	return fd, release, nil
}

// sendAcross is SendDirect between engines, which do not know each other: a plain
// descriptor goes from one to the other. An owner of a pinned receiving Ring must
// wait, or enter it, for that.
func (r *Ring) sendAcross(ctx context.Context, d ops.Direct, to *Ring) (ops.Direct, error) {
	plain, err := r.Do(ctx, ops.Install(d))
	if err != nil {
		return ops.Direct{}, fmt.Errorf("send %v: %w", d, err)
	}
	defer unix.Close(plain.FD())
	there, err := to.Do(ctx, ops.Register(plain.FD()))
	if err != nil {
		return ops.Direct{}, fmt.Errorf("send %v: receiving ring: %w", d, err)
	}
	return there.Direct(), nil
}
