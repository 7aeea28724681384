package main

import (
	"context"
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
	n := o.scale(320_000)
	var all []comparison
	for _, k := range lockKinds(int(file.Fd())) {
		all = append(all, comparison{name: k.name, metrics: wallAndCPU, ours: 3, sides: []side{
			{"do", func() ([]float64, error) { return lockByDo(k, n) }},
			{"batch-32", func() ([]float64, error) { return lockTogether(k, false, n) }},
			{"batch-32-pinned", func() ([]float64, error) { return lockTogether(k, true, n) }},
			{"direct", func() ([]float64, error) { return lockDirectly(k, n) }},
		}})
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

func lockDirectly(k lockKind, n int) ([]float64, error) {
	return perOp(n, func() error {
		for range n {
			if err := k.direct(); err != nil {
				return err
			}
		}
		return nil
	})
}

func lockByDo(k lockKind, n int) ([]float64, error) {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return perOp(n, func() error {
		for range n {
			if _, err := r.Do(context.Background(), k.lock); err != nil {
				return err
			}
			if _, err := r.Do(context.Background(), k.unlock); err != nil {
				return err
			}
		}
		return nil
	})
}

// lockTogether submits 32 pairs at a time.
func lockTogether(k lockKind, pinned bool, n int) ([]float64, error) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var reqs []ops.Request
	for range 32 {
		reqs = append(reqs, k.lock, k.unlock)
	}
	dst := make([]ops.Completion, len(reqs))
	batches := max(n/32, 1)
	return perOp(32*batches, func() error {
		for range batches {
			if err := r.QueueAll(reqs, nil); err != nil {
				return err
			}
			if err := takeAll(r, dst); err != nil {
				return err
			}
		}
		return nil
	})
}

// countThreads returns how many threads this process has, the kernel's included.
func countThreads() (int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	return len(tasks), err
}
