package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

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
	var sides []side
	for _, waiting := range []int{100_000, 1000, 10} {
		waiting = max(o.scale(waiting), 2)
		sides = append(sides, side{
			fmt.Sprintf("%d-waiting", waiting),
			func() ([]float64, error) { return handOver(file.Name(), waiting, o.scale(5000)) },
		})
	}
	return append(all, comparison{
		name: "hand-over", metrics: append(slices.Clone(wallAndCPU), metric{"threads", "thread"}), sides: sides,
	}), cleanUp, nil
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

// handOver passes a lock on n times while so many requests wait for it, and returns
// what that takes and how many threads there are more meanwhile. More requests than
// descriptors are allowed: each descriptor has several.
func handOver(path string, waiting, n int) (v []float64, err error) {
	const descriptors = 500
	var fds [descriptors + 1]int
	for i := range fds {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		fds[i] = int(f.Fd())
	}
	r, err := ring.New(ring.Config{Capacity: 2 * waiting})
	if err != nil {
		return nil, err
	}
	defer r.Close() // ends those who wait; the files are closed after it
	threads, err := countThreads()
	if err != nil {
		return nil, err
	}
	q := lockQueue{r: r, fds: fds[:descriptors]}
	holder := fds[descriptors]
	if _, err := r.Do(context.Background(), locks.Flock(holder, locks.Exclusive)); err != nil {
		return nil, err
	}
	for range waiting {
		if err := q.add(ops.Normal); err != nil {
			return nil, err
		}
	}
	if _, err := r.Do(context.Background(), locks.Flock(holder, locks.Unlock)); err != nil {
		return nil, err
	}
	v, err = perOp(n, func() error { return q.passOn(n) })
	if err != nil {
		return nil, err
	}
	after, err := countThreads()
	return append(v, float64(max(after-threads, 0))), err
}

// lockQueue is requests that wait for a lock.
type lockQueue struct {
	r     *ring.Ring
	fds   []int
	added int
	holds int      // the descriptor that has the lock: another request on it would get it at once
	order []ops.ID // of those of Normal priority, as they must get it
	first ops.ID   // of High priority: at most one gets it before, whose turn it was
	late  int      // how many have
}

func (q *lockQueue) add(p ops.Priority) error {
	if q.fds[q.added%len(q.fds)] == q.holds {
		q.added++
	}
	id, err := q.r.Submit(locks.Flock(q.fds[q.added%len(q.fds)], locks.Exclusive).WithPriority(p))
	q.added++
	if p == ops.Normal {
		q.order = append(q.order, id)
	} else {
		q.first = id
	}
	return err
}

// passOn has the lock go from one to the next n times, and another request come
// for each that got it; one in eight is urgent.
func (q *lockQueue) passOn(n int) error {
	dst := make([]ops.Completion, 1)
	for i := range n {
		if _, err := q.r.Wait(dst, 1, 10*time.Second); err != nil {
			return err
		}
		if err := dst[0].Err(); err != nil {
			return err
		}
		switch id := dst[0].ID; {
		case id == q.first:
			q.first, q.late = 0, 0
		case id == q.order[0] && (q.first == 0 || q.late == 0):
			q.order = q.order[1:]
			if q.first != 0 {
				q.late++
			}
		default:
			return fmt.Errorf("hand-over %d: not the one whose turn it is", i)
		}
		q.holds = int(dst[0].Target)
		p := ops.Normal
		if i%8 == 7 {
			p = ops.High
		}
		if err := q.add(p); err != nil {
			return err
		}
		if _, err := q.r.Do(context.Background(), locks.Flock(q.holds, locks.Unlock)); err != nil {
			return err
		}
	}
	return nil
}

// countThreads returns how many threads this process has, the kernel's included.
func countThreads() (int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	return len(tasks), err
}
