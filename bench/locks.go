package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// lockKind is a way to lock a file and to unlock it.
type lockKind struct {
	name         string
	lock, unlock ops.Request
	direct       func() error // both, by system calls
}

// lockCases takes locks that are free, and hands one on among those who wait.
func lockCases(o options) ([]comparison, func(), error) {
	file, err := os.CreateTemp("", "bench-locks")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() {
		file.Close()
		os.Remove(file.Name())
	}
	const each = 3200 // pairs in a turn: the owner of a pinned Ring yields every 5 ms
	var all []comparison
	for _, k := range lockKinds(int(file.Fd())) {
		t := &turns{count: max(o.scale(100), 2), open: func() ([]func() ([]float64, error), func() error, error) {
			return openLocking(k, each)
		}}
		c := comparison{name: k.name, metrics: wallAndCPU, ours: 3}
		for i, name := range []string{"do", "batch-32", "batch-32-pinned", "direct"} {
			c.sides = append(c.sides, side{name, t.side(i)})
		}
		all = append(all, c)
	}
	return append(all, handOverCase(o)), cleanUp, nil
}

func lockKinds(fd int) []lockKind {
	return []lockKind{
		{"flock", locks.Flock(fd, locks.Exclusive), locks.Flock(fd, locks.Unlock), func() error {
			if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
				return err
			}
			return unix.Flock(fd, unix.LOCK_UN)
		}},
		{"ofd", locks.OFD(fd, locks.Exclusive, 0, 0), locks.OFD(fd, locks.Unlock, 0, 0), func() error {
			l := unix.Flock_t{Type: unix.F_WRLCK}
			if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &l); err != nil {
				return err
			}
			l.Type = unix.F_UNLCK
			return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &l)
		}},
	}
}

// openLocking returns what locks and unlocks n times, in the four ways.
func openLocking(k lockKind, n int) ([]func() ([]float64, error), func() error, error) {
	shared, err := ring.New(ring.Config{})
	if err != nil {
		return nil, nil, err
	}
	pinned, err := ring.New(ring.Config{Pinned: true})
	if err != nil {
		return nil, nil, errors.Join(err, shared.Close())
	}
	var sides []func() ([]float64, error)
	for _, f := range []func() error{
		func() error { return lockByDo(shared, k, n) }, lockTogether(shared, k, n), lockTogether(pinned, k, n),
		func() error { return lockDirectly(k, n) },
	} {
		sides = append(sides, func() ([]float64, error) { return perOp(n, f) })
	}
	return sides, func() error { return errors.Join(pinned.Close(), shared.Close()) }, nil
}

func lockDirectly(k lockKind, n int) error {
	for range n {
		if err := k.direct(); err != nil {
			return err
		}
	}
	return nil
}

func lockByDo(r *ring.Ring, k lockKind, n int) error {
	for range n {
		if _, err := r.Do(context.Background(), k.lock); err != nil {
			return err
		}
		if _, err := r.Do(context.Background(), k.unlock); err != nil {
			return err
		}
	}
	return nil
}

// lockTogether returns what submits n pairs, 32 at a time.
func lockTogether(r *ring.Ring, k lockKind, n int) func() error {
	var reqs []ops.Request
	for range 32 {
		reqs = append(reqs, k.lock, k.unlock)
	}
	dst := make([]ops.Completion, len(reqs))
	return func() error {
		for range n / 32 {
			if err := r.QueueAll(reqs, nil); err != nil {
				return err
			}
			if err := takeAll(r, dst); err != nil {
				return err
			}
		}
		return nil
	}
}

// countThreads returns how many threads this process has, the kernel's included.
func countThreads() (int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	return len(tasks), err
}
