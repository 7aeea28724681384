package ring

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/sluicego/sluice/internal/portable"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// choose says which engine was asked for, and by what.
func choose(cfg *Config) (reason string, err error) {
	if cfg.Engine != Auto {
		return "Config.Engine asks for it", nil
	}
	name := os.Getenv("SLUICE_ENGINE")
	if cfg.Engine, err = ParseEngine(name); err != nil {
		return "", fmt.Errorf("environment variable SLUICE_ENGINE: %w", err)
	}
	if cfg.Engine == Auto {
		return "the kernel offers it", nil
	}
	return "SLUICE_ENGINE asks for it", nil
}

// startEngine sets up the engine that was asked for, or, if that was left open, the
// portable one where io_uring is refused. A shortage is not a refusal: another
// engine would meet it as well, or hide it (trap 42).
func (r *Ring) startEngine() error {
	if r.cfg.Engine == Portable {
		return r.startPortable()
	}
	err := r.startIOURing()
	switch {
	case err == nil:
		r.cfg.Engine = IOURing
		return nil
	case !errors.Is(err, ops.ErrNotSupported):
		return err
	case r.cfg.Engine == IOURing:
		return fmt.Errorf("%w (%s; the portable engine does without: Engine Auto or Portable, or SLUICE_ENGINE=auto)", err, r.reason)
	}
	r.cfg.Engine, r.reason = Portable, err.Error()
	tellFallBack.Do(func() { slog.Info("sluice: io_uring is not available, using the portable engine", "reason", err) })
	return r.startPortable()
}

// tellFallBack is done when a log line has said that, and why, there is no io_uring.
var tellFallBack sync.Once

// completionEntries is the least size of the completion ring. Overflowing it
// loses nothing, but costs an allocation in the kernel for each entry.
const completionEntries = 4096

func (r *Ring) options() uring.Options {
	return uring.Options{
		Entries:   uint32(r.cfg.Entries),
		CQEntries: uint32(max(completionEntries, 2*r.cfg.Entries)),
		Pinned:    r.cfg.Pinned,
	}
}

func (r *Ring) startPortable() (err error) {
	r.u, err = portable.New(r.options(), r.cfg.KernelWorkers)
	return err
}

// setup makes the kernel's ring. Tests replace it.
var setup = uring.Setup

// startIOURing fails with ErrNotSupported where io_uring is refused.
func (r *Ring) startIOURing() (err error) {
	r.u, err = setup(r.options())
	if errors.Is(err, uring.ErrUnavailable) {
		return &refusal{err}
	}
	if err != nil {
		return err
	}
	// Without a limit a few thousand blocked requests are as many threads
	// (trap 41). Kernels that cannot limit them say EINVAL.
	if _, _, err := r.u.RegisterIOWQMaxWorkers(0, uint32(r.cfg.KernelWorkers)); err != nil && !errors.Is(err, syscall.EINVAL) {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) {
			err = &refusal{err} // a sandbox that allows the other two calls
		}
		return errors.Join(fmt.Errorf("limit kernel workers: %w", err), r.u.Close())
	}
	if err = r.tryNeeded(); err == nil {
		err = r.tryRealTime()
	}
	if err != nil {
		return errors.Join(err, r.u.Close())
	}
	return nil
}

// tryNeeded looks whether a restriction of io_uring forbids what every Ring needs, and
// nothing else can do: to poll its own descriptors, and to cancel.
func (r *Ring) tryNeeded() error {
	for op, encode := range map[uring.Op]func(*uring.SQE){
		uring.OpPollAdd:     func(q *uring.SQE) { uring.EncodePoll(q, -1, 0, false, udNop) },
		uring.OpAsyncCancel: func(q *uring.SQE) { uring.EncodeCancel(q, udNop, udNop) },
	} {
		res, err := r.ask(encode)
		if err != nil {
			return err
		}
		if res == eacces { // else it is EBADF, and ENOENT
			return &refusal{fmt.Errorf("%w: a restriction of io_uring forbids %s", syscall.EACCES, uring.OpName(op))}
		}
	}
	return nil
}

// ask has a new and empty ring carry out one entry, which does not wait.
func (r *Ring) ask(encode func(*uring.SQE)) (res int32, err error) {
	encode(r.u.SQ.Next())
	for r.u.CQ.Ready() == 0 {
		_, err := r.u.EnterPlain(r.u.SQ.Publish(), 1, 0)
		if err != nil && err != uring.ErrInterrupted {
			return 0, fmt.Errorf("io_uring_enter: %w", err)
		}
	}
	res = r.u.CQ.At(0).Res
	r.u.CQ.Advance(1)
	return res, nil
}

// refusal is why io_uring cannot be had. It matches ErrNotSupported.
type refusal struct{ error }

func (e *refusal) Unwrap() []error { return []error{ops.ErrNotSupported, e.error} }
