package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// wakeCases has two goroutines wake one another in turn: each waits on a Ring of
// its own, or reads from a pipe of its own. One wake-up is half a round.
func wakeCases(o options) ([]comparison, func(), error) {
	n := o.scale(40_000)
	var all []comparison
	for _, where := range []struct {
		name string
		on   func(func() ([]float64, error)) ([]float64, error)
	}{
		{"same-cpu", onOneCPU},
		{"any-cpu", func(f func() ([]float64, error)) ([]float64, error) { return f() }},
	} {
		measure := func(newEnd func() (wakeEnd, error)) func() ([]float64, error) {
			return func() ([]float64, error) {
				return where.on(func() ([]float64, error) { return wakeInTurn(newEnd, n) })
			}
		}
		all = append(all, comparison{name: where.name, metrics: wallAndCPU, ours: 3, sides: []side{
			{"shared", measure(newSharedEnd)},
			{"pinned", measure(newPinnedEnd)},
			{"locked", measure(locked(newSharedEnd))},
			{"pipe", measure(newPipeEnd)},
			{"locked-pipe", measure(locked(newPipeEnd))},
		}})
	}
	return all, func() {}, nil
}

// wakeEnd is what a goroutine sleeps on.
type wakeEnd struct {
	wait  func() error // by the goroutine that made it
	wake  func() error // by the other
	close func() error // by the goroutine that made it
}

func newSharedEnd() (wakeEnd, error) { return newRingEnd(false) }

func newPinnedEnd() (wakeEnd, error) { return newRingEnd(true) }

func newRingEnd(pinned bool) (wakeEnd, error) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return wakeEnd{}, err
	}
	dst := make([]ops.Completion, 1)
	return wakeEnd{
		wait: func() error {
			n, err := r.Wait(dst, 1, ring.Forever)
			if n != 0 || !errors.Is(err, ops.ErrWoken) {
				return fmt.Errorf("not woken: %d completions, %w", n, err)
			}
			return nil
		},
		wake: func() error {
			r.Wake()
			return nil
		},
		close: r.Close,
	}, nil
}

func newPipeEnd() (wakeEnd, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return wakeEnd{}, err
	}
	in, out := make([]byte, 1), []byte{1}
	return wakeEnd{
		wait: func() error {
			_, err := r.Read(in)
			return err
		},
		wake: func() error {
			_, err := w.Write(out)
			return err
		},
		close: func() error { return errors.Join(r.Close(), w.Close()) },
	}, nil
}

// locked gives the goroutine that makes the end a thread to itself, as the owner
// of a pinned Ring has: the scheduler cannot go from one goroutine to the other
// without a change of threads.
func locked(newEnd func() (wakeEnd, error)) func() (wakeEnd, error) {
	return func() (wakeEnd, error) {
		e, err := newEnd()
		if err != nil {
			return e, err
		}
		runtime.LockOSThread()
		closeEnd := e.close
		e.close = func() error {
			runtime.UnlockOSThread()
			return closeEnd()
		}
		return e, nil
	}
}

// wakeInTurn measures 2n wake-ups, half of them in each direction.
func wakeInTurn(newEnd func() (wakeEnd, error), n int) (ns []float64, err error) {
	a, err := newEnd()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	made, done := make(chan wakeEnd, 1), make(chan error, 1)
	go func() {
		b, err := newEnd()
		if err != nil {
			close(made)
			done <- err
			return
		}
		made <- b
		err = wakeBack(b, a, n)
		done <- errors.Join(err, b.close())
	}()
	b, ok := <-made
	if !ok {
		return nil, <-done
	}
	ns, err = perOp(2*n, func() error {
		for range n {
			if err := b.wake(); err != nil {
				return err
			}
			if err := a.wait(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ns, <-done
}

// wakeBack is the other goroutine: it answers each wake-up with one.
func wakeBack(b, a wakeEnd, n int) error {
	for range n {
		if err := b.wait(); err != nil {
			return err
		}
		if err := a.wake(); err != nil {
			return err
		}
	}
	return nil
}

// onOneCPU runs f while all threads of this process may use one CPU only.
func onOneCPU(f func() ([]float64, error)) ([]float64, error) {
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, errMissing
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := setAffinity(&one); err != nil {
		return nil, errMissing
	}
	v, err := f()
	return v, errors.Join(err, setAffinity(&before))
}

// setAffinity says where this process may run. A new thread has it from the one
// that started it, which may have come later in the first pass: hence the second.
func setAffinity(set *unix.CPUSet) error {
	for range 2 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				return err
			}
			// A thread may have ended; the kernel's own, for a ring, may refuse.
			err = unix.SchedSetaffinity(tid, set)
			if err != nil && err != unix.ESRCH && err != unix.EINVAL {
				return err
			}
		}
	}
	return nil
}
