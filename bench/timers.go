package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// timerCases compares timers on a Ring with time.AfterFunc, with a number of them
// pending: what adding one at a random time costs, cancelling one in random order
// (on a Ring up to its completion), firing one, and the memory that it takes. A Ring
// cancels together what goes in one turn of an event loop (CancelEach); cancel-one is
// the same with a Cancel for each.
func timerCases(o options) ([]comparison, func(), error) {
	var all []comparison
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		t := &timerRun{order: rand.New(rand.NewPCG(1, 2)).Perm(o.scale(n))}
		all = append(all, comparison{
			name:    strconv.Itoa(n),
			metrics: []metric{{"add", "cpu-ns"}, {"cancel", "cpu-ns"}, {"cancel-one", "cpu-ns"}, {"fire", "cpu-ns"}, {"memory", "B"}},
			ours:    2,
			sides: []side{
				{"pinned", func() ([]float64, error) { return t.onRing(true) }},
				{"shared", func() ([]float64, error) { return t.onRing(false) }},
				{"AfterFunc", t.byAfterFunc},
			},
		})
	}
	return all, func() {}, nil
}

// timerRun has every number below its length once, in the order of adding.
type timerRun struct{ order []int }

// at returns when timer i fires, if all do so over as many microseconds as there
// are timers. They begin as late as it takes to add them.
func (t *timerRun) at(i int) time.Duration {
	return time.Duration(len(t.order))*2*time.Microsecond + 10*time.Millisecond + time.Duration(t.order[i])*time.Microsecond
}

// measure runs f and appends what it took for one timer.
func (t *timerRun) measure(costs *[]float64, f func() error) error {
	v, err := cpuClock.perOp(len(t.order), f)
	*costs = append(*costs, v...)
	return err
}

func heapInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func (t *timerRun) onRing(pinned bool) (costs []float64, err error) {
	n := len(t.order)
	r, err := ring.New(ring.Config{Pinned: pinned, Capacity: n})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ids := make([]ops.ID, n)
	dst := make([]ops.Completion, turn)
	add := func(base time.Time) error {
		for i := range ids {
			id, err := r.Submit(ops.TimerAt(base.Add(t.at(i))))
			if err != nil {
				return err
			}
			ids[i] = id
		}
		return nil
	}
	var ended [2]int // those that fired, those that were cancelled
	wait := func() error { return countEnds(r, dst, &ended) }
	before := heapInUse()
	if err := t.measure(&costs, func() error { return add(time.Now().Add(time.Hour)) }); err != nil {
		return nil, err
	}
	memory := (heapInUse() - before) / float64(n)
	if err := t.measure(&costs, func() error { return t.cancelTogether(r, ids, wait) }); err != nil {
		return nil, err
	}
	if err := add(time.Now().Add(time.Hour)); err != nil {
		return nil, err
	}
	if err := t.measure(&costs, func() error { return t.cancelOneByOne(r, ids, wait) }); err != nil {
		return nil, err
	}
	if err := add(time.Now()); err != nil {
		return nil, err
	}
	err = t.measure(&costs, func() error {
		for ended[0] < n {
			if err := wait(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && ended != [2]int{n, 2 * n} {
		err = fmt.Errorf("%d fired and %d were cancelled of %d", ended[0], ended[1], n)
	}
	return append(costs, memory), err
}

// turn is how many timers are cancelled before their completions are taken.
const turn = 128

func (t *timerRun) cancelTogether(r *ring.Ring, ids []ops.ID, wait func() error) error {
	group := make([]ops.ID, 0, turn)
	for order := range slices.Chunk(t.order, turn) {
		group = group[:0]
		for _, i := range order {
			group = append(group, ids[i])
		}
		if n := r.CancelEach(group); n != len(group) {
			return fmt.Errorf("%d of %d were pending", n, len(group))
		}
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

func (t *timerRun) cancelOneByOne(r *ring.Ring, ids []ops.ID, wait func() error) error {
	for order := range slices.Chunk(t.order, turn) {
		for _, i := range order {
			if err := r.Cancel(ids[i]); err != nil {
				return err
			}
		}
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// countEnds waits for timers to end, and counts those that fired and those that
// were cancelled.
func countEnds(r *ring.Ring, dst []ops.Completion, ended *[2]int) error {
	k, err := r.Wait(dst, 1, ring.Forever)
	for i := range dst[:k] {
		which := 0
		if dst[i].Cause == ops.ByCancel {
			which = 1
		} else if err := dst[i].Err(); err != nil {
			return err
		}
		ended[which]++
	}
	return err
}

// byAfterFunc has functions that count.
func (t *timerRun) byAfterFunc() (costs []float64, err error) {
	n := len(t.order)
	timers := make([]*time.Timer, n)
	var fired atomic.Int64
	done := make(chan struct{}, 1)
	add := func(base time.Time) error {
		for i := range timers {
			timers[i] = time.AfterFunc(time.Until(base.Add(t.at(i))), func() {
				if fired.Add(1) == int64(n) {
					done <- struct{}{}
				}
			})
		}
		return nil
	}
	before := heapInUse()
	if err := t.measure(&costs, func() error { return add(time.Now().Add(time.Hour)) }); err != nil {
		return nil, err
	}
	memory := (heapInUse() - before) / float64(n)
	stop := func() error {
		for _, i := range t.order {
			if !timers[i].Stop() {
				return errors.New("a timer had fired")
			}
		}
		return nil
	}
	// Stop is all there is to compare with either way of cancelling.
	for _, wait := range []time.Duration{time.Hour, 0} {
		if err := t.measure(&costs, stop); err != nil {
			return nil, err
		}
		clear(timers)
		runtime.GC()
		if err := add(time.Now().Add(wait)); err != nil {
			return nil, err
		}
	}
	err = t.measure(&costs, func() error {
		<-done
		return nil
	})
	return append(costs, memory), err
}
