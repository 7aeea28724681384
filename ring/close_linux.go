package ring

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Close cancels what is pending, waits until the kernel has let go of every
// buffer, and frees the Ring. Requests that Close cancelled report ErrClosed, to
// their Do or to a later Wait: completions that were not taken stay there, and so
// do the descriptors that they may bring.
//
// It waits for at most Config.CloseTimeout. Then it fails with ErrBusy and says
// what is left; nothing has been freed, and Close can be called again. After a
// success it returns nil.
//
// The owner closes a pinned Ring, which unlocks its goroutine from the thread.
// Called by others, Close waits for the owner to do so in Wait; or does it itself, if
// the owner has ended and its thread with it (from kernel 6.0 on; and the program's
// first thread stays). Then anybody can take the completions that are left.
func (r *Ring) Close() error {
	err := r.close()
	if err == nil {
		<-r.gone // somebody else may have been first, and not be through
	}
	return err
}

func (r *Ring) close() error {
	r.mu.Lock()
	defer r.unlock()
	if r.closed {
		return nil
	}
	r.closing = true
	r.cancelMatching(nil, ops.ByClose)
	r.rouseAll()
	w := newWaiter(inClose)
	defer w.free()
	deadline := until(r.cfg.CloseTimeout)
	mine := !r.cfg.Pinned || r.owner.isCallerForSure()
	for !mine && !r.closed && ops.Now() < deadline {
		if r.takeOver() {
			return r.tearDown()
		}
		if mine = r.inherit(); !mine {
			r.attendClose(w, min(deadline, ops.Now().Add(ownerCheck)))
		}
	}
	if mine {
		if err := r.await(w, max(deadline.Sub(ops.Now()), 0)); err == nil || r.broken != nil {
			return errors.Join(r.tearDown(), r.broken)
		}
	}
	if r.closed {
		return nil
	}
	return fmt.Errorf("close: %w: after %v the kernel still holds %d requests%s",
		ops.ErrBusy, r.cfg.CloseTimeout, r.inKernel, r.oldest())
}

// ownerCheck is how often a Close that waits for the owner of a pinned Ring looks
// whether there still is one.
const ownerCheck = 20 * time.Millisecond

// attendClose waits for the owner of a pinned Ring to close it.
func (r *Ring) attendClose(w *waiter, deadline ops.Instant) {
	r.shared.asleep.push(w)
	r.rouseOwner()
	r.unlock()
	w.sleep(deadline)
	r.mu.Lock()
	if w.asleep {
		r.shared.asleep.remove(w)
	}
}

// oldest names a request that keeps Close waiting.
func (r *Ring) oldest() string {
	if r.cfg.Pinned && !r.owner.isCaller() {
		return ": the goroutine that called New must Close it, or be in Wait"
	}
	for _, s := range r.slots.All {
		if s.state == inKernel || s.state == elsewhere || s.state == starting {
			return fmt.Sprintf(", such as %s %s", s.req.Code, s.req.Describe())
		}
	}
	return ""
}

// drained reports whether the kernel holds nothing of ours.
func (r *Ring) drained() bool { return r.inKernel == 0 && r.outside == 0 && r.entering == 0 }

// tearDownIfDrained completes the Close that somebody else called.
func (r *Ring) tearDownIfDrained() {
	if r.closing && !r.closed && r.drained() {
		if err := r.tearDown(); err != nil {
			r.broken = err
		}
	}
}

// tearDown frees the engine. Completions that were not taken stay.
func (r *Ring) tearDown() error {
	if r.closed {
		return nil
	}
	r.closed = true
	defer close(r.gone)
	r.detach()
	resErr := r.closeResources()
	r.rouseAll()
	if r.drained() {
		open.Delete(r) // else the kernel may still use buffers, for as long as it likes
	}
	if r.export != nil {
		_ = r.export.close() // nothing is lost when that fails
	}
	if r.cfg.Pinned {
		r.owner.nag.Stop()
		r.owner.settleKicks()
		err := errors.Join(r.u.Close(), unix.Close(r.owner.eventfd), r.closeClocks(), r.closeCompanion())
		r.closePools()
		if r.owner.gone {
			r.owner.free.Store(true)
			return err // what belonged to a dead thread went with the ring's descriptor
		}
		r.owner.free.Store(r.owner.heir)
		runtime.UnlockOSThread()
		return errors.Join(resErr, err)
	}
	// A goroutine in the poller may want mu before it lets go.
	r.mu.Unlock()
	err := r.shared.poller.close()
	r.mu.Lock()
	err = errors.Join(resErr, err, r.u.Close(), r.closeClocks(), r.closeCompanion())
	r.closePools()
	return err
}
