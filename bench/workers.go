package main

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// workerCases are round trips of blocking calls through the pool, from a goroutine
// that is not locked to a thread to another, beside the least that two goroutines
// need for the same, and the call where it stands.
func workerCases(o options) ([]comparison, func(), error) {
	n := o.scale(100_000)
	var all []comparison
	for _, f := range []struct {
		name   string
		call   func() (int, error)
		direct bool
	}{
		{"nothing", func() (int, error) { return 0, nil }, false},
		{"statfs", func() (int, error) {
			var s unix.Statfs_t
			return 0, unix.Statfs("/", &s)
		}, true},
	} {
		measure := func(run func(f func() (int, error), n int) error) func() ([]float64, error) {
			return func() ([]float64, error) {
				return perOp(n, func() error { return run(f.call, n) })
			}
		}
		sides := []side{
			{"do", measure(callByDo)}, {"submit-wait", measure(callByWait)}, {"batch-32", measure(callBatched)},
			{"channels", measure(callByChannel)},
		}
		if f.direct {
			sides = append(sides, side{"direct", measure(callDirectly)})
		}
		all = append(all, comparison{name: f.name, metrics: wallAndCPU, ours: 3, sides: sides})
	}
	return all, func() {}, nil
}

func callByDo(f func() (int, error), n int) error {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return err
	}
	defer r.Close()
	req := fallback.Call(f)
	for range n {
		if _, err := r.Do(context.Background(), req); err != nil {
			return err
		}
	}
	return nil
}

func callByWait(f func() (int, error), n int) error { return callTogether(f, n, 1) }

func callBatched(f func() (int, error), n int) error { return callTogether(f, n, 32) }

// callTogether submits calls in batches, and waits until all of one are done.
func callTogether(f func() (int, error), n, batch int) error {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return err
	}
	defer r.Close()
	req := fallback.Call(f)
	dst := make([]ops.Completion, batch)
	for done := 0; done < n; {
		k := min(batch, n-done)
		for range k {
			if _, err := r.Submit(req); err != nil {
				return err
			}
		}
		if err := takeAll(r, dst[:k]); err != nil {
			return err
		}
		done += k
	}
	return nil
}

func callByChannel(f func() (int, error), n int) error {
	calls, results := make(chan func() (int, error)), make(chan error)
	go func() {
		for f := range calls {
			_, err := f()
			results <- err
		}
	}()
	defer close(calls)
	for range n {
		calls <- f
		if err := <-results; err != nil {
			return err
		}
	}
	return nil
}

func callDirectly(f func() (int, error), n int) error {
	for range n {
		if _, err := f(); err != nil {
			return err
		}
	}
	return nil
}

// takeAll fills dst with completions, all of which must be successes.
func takeAll(r *ring.Ring, dst []ops.Completion) error {
	if _, err := r.Wait(dst, len(dst), ring.Forever); err != nil {
		return err
	}
	for i := range dst {
		if err := dst[i].Err(); err != nil {
			return err
		}
	}
	return nil
}
