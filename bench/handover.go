package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// handOverCase passes locks on that have different numbers of requests waiting.
func handOverCase(o options) comparison {
	const each = 100 // hand-overs in a turn
	numbers := []int{max(o.scale(100_000), 2), max(o.scale(1000), 2), max(o.scale(10), 2)}
	t := &turns{count: max(o.scale(100), 2), open: func() ([]func() ([]float64, error), func() error, error) {
		return openQueues(numbers, each)
	}}
	c := comparison{name: "hand-over", metrics: append(slices.Clone(wallAndCPU), metric{"threads", "thread"})}
	for i, n := range numbers {
		c.sides = append(c.sides, side{fmt.Sprintf("%d-waiting", n), t.side(i)})
	}
	return c
}

// openQueues has so many wait for a lock each, and returns what passes it on.
func openQueues(numbers []int, each int) (sides []func() ([]float64, error), cleanUp func() error, err error) {
	var queues []*lockQueue
	cleanUp = func() (err error) {
		for _, q := range queues {
			err = errors.Join(err, q.close())
		}
		return err
	}
	for _, n := range numbers {
		before, err := countThreads()
		if err != nil {
			return nil, nil, errors.Join(err, cleanUp())
		}
		q, err := newLockQueue(n)
		if err != nil {
			return nil, nil, errors.Join(err, cleanUp())
		}
		queues = append(queues, q)
		err = q.passOn(each)
		after, e := countThreads()
		if err = errors.Join(err, e); err != nil {
			return nil, nil, errors.Join(err, cleanUp())
		}
		sides = append(sides, func() ([]float64, error) {
			v, err := perOp(each, func() error { return q.passOn(each) })
			return append(v, float64(max(after-before, 0))), err
		})
	}
	return sides, cleanUp, nil
}

// lockQueue is requests that wait for a lock.
type lockQueue struct {
	r     *ring.Ring
	files []*os.File
	fds   []int
	added int
	holds int      // the descriptor that has the lock: another request on it would get it at once
	order []ops.ID // of those of Normal priority, as they must get it
	first ops.ID   // of High priority: at most one gets it before, whose turn it was
	late  int      // how many have
}

// newLockQueue has so many requests wait for a lock, which then is free for the first.
// More requests than descriptors are allowed: each descriptor has several.
func newLockQueue(waiting int) (q *lockQueue, err error) {
	const descriptors = 500
	q = &lockQueue{}
	first, err := os.CreateTemp("", "bench-locks")
	if err != nil {
		return nil, err
	}
	defer os.Remove(first.Name())
	q.files = append(q.files, first)
	for range descriptors {
		f, err := os.OpenFile(first.Name(), os.O_RDWR, 0)
		if err != nil {
			return nil, errors.Join(err, q.close())
		}
		q.files = append(q.files, f)
		q.fds = append(q.fds, int(f.Fd()))
	}
	if q.r, err = ring.New(ring.Config{Capacity: 2 * waiting}); err != nil {
		return nil, errors.Join(err, q.close())
	}
	holder := int(first.Fd())
	_, err = q.r.Do(context.Background(), locks.Flock(holder, locks.Exclusive))
	for range waiting {
		err = errors.Join(err, q.add(ops.Normal))
	}
	if err == nil {
		_, err = q.r.Do(context.Background(), locks.Flock(holder, locks.Unlock))
	}
	if err != nil {
		return nil, errors.Join(err, q.close())
	}
	return q, nil
}

func (q *lockQueue) close() (err error) {
	if q.r != nil {
		err = q.r.Close() // ends those who wait; the files are closed after it
	}
	for _, f := range q.files {
		err = errors.Join(err, f.Close())
	}
	return err
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
