package ring_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// timerCost is what one timer costs: processor time, and bytes of memory.
type timerCost struct{ add, cancel, fire, bytes float64 }

// BenchmarkTimers compares timers on a Ring with time.AfterFunc, in turn, with a
// number of them pending: what adding one costs, what cancelling one in random
// order does (on a Ring up to its completion), and firing one within a second. The
// figures are medians, in nanoseconds of processor time.
func BenchmarkTimers(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		for _, pinned := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/pinned=%v", n, pinned), func(b *testing.B) {
				order := rand.New(rand.NewPCG(1, 2)).Perm(n)
				var ours, theirs []timerCost
				for b.Loop() {
					ours = append(ours, ringTimers(b, order, pinned))
					theirs = append(theirs, goTimers(b, order))
				}
				report := func(name string, of func(timerCost) float64) {
					x, y := medianCost(ours, of), medianCost(theirs, of)
					b.ReportMetric(x, name)
					b.ReportMetric(y, name+"-AfterFunc")
					b.ReportMetric(x/y, name+"-ratio")
				}
				report("add", func(c timerCost) float64 { return c.add })
				report("cancel", func(c timerCost) float64 { return c.cancel })
				report("fire", func(c timerCost) float64 { return c.fire })
				report("bytes", func(c timerCost) float64 { return c.bytes })
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func medianCost(of []timerCost, which func(timerCost) float64) float64 {
	var all []float64
	for _, c := range of {
		all = append(all, which(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// spread is the time within which n timers fire, and ahead what passes before: long
// enough to add them.
func spread(n int) (spread, ahead time.Duration) {
	return time.Duration(n) * time.Microsecond, time.Duration(n)*2*time.Microsecond + 10*time.Millisecond
}

func heapInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// ringTimers measures a Ring. order holds every number below its length once.
func ringTimers(b *testing.B, order []int, pinned bool) (c timerCost) {
	n := len(order)
	r, err := ring.New(ring.Config{Pinned: pinned, Capacity: n})
	require.NoError(b, err)
	defer func() { require.NoError(b, r.Close()) }()
	ids := make([]ops.ID, n)
	dst := make([]ops.Completion, 128)
	width, ahead := spread(n)
	add := func(base time.Time) float64 {
		before := cpuTime(b)
		for i, at := range order {
			id, err := r.Submit(ops.TimerAt(base.Add(width * time.Duration(at) / time.Duration(n))))
			if err != nil {
				b.Fatal(err)
			}
			ids[i] = id
		}
		return float64(cpuTime(b)-before) / float64(n)
	}
	collect := func() {
		for got := 0; got < n; {
			k, err := r.Wait(dst, 1, ring.Forever)
			if err != nil {
				b.Fatal(err)
			}
			got += k
		}
	}
	bytes := heapInUse()
	c.add = add(time.Now().Add(time.Hour))
	c.bytes = (heapInUse() - bytes) / float64(n)
	before := cpuTime(b)
	for i := 0; i < n; {
		for range min(len(dst), n-i) {
			if err := r.Cancel(ids[order[i]]); err != nil {
				b.Fatal(err)
			}
			i++
		}
		if _, err := r.Wait(dst, 1, ring.Forever); err != nil {
			b.Fatal(err)
		}
	}
	c.cancel = float64(cpuTime(b)-before) / float64(n)
	for r.Stats().Pending != 0 {
		_, err := r.Wait(dst, 1, ring.Forever)
		require.NoError(b, err)
	}
	add(time.Now().Add(ahead))
	before = cpuTime(b)
	collect()
	c.fire = float64(cpuTime(b)-before) / float64(n)
	return c
}

// goTimers measures time.AfterFunc, whose functions count.
func goTimers(b *testing.B, order []int) (c timerCost) {
	n := len(order)
	timers := make([]*time.Timer, n)
	width, ahead := spread(n)
	var fired atomic.Int64
	done := make(chan struct{}, 1)
	add := func(base time.Time) float64 {
		before := cpuTime(b)
		for i, at := range order {
			d := time.Until(base.Add(width * time.Duration(at) / time.Duration(n)))
			timers[i] = time.AfterFunc(d, func() {
				if fired.Add(1) == int64(n) {
					done <- struct{}{}
				}
			})
		}
		return float64(cpuTime(b)-before) / float64(n)
	}
	bytes := heapInUse()
	c.add = add(time.Now().Add(time.Hour))
	c.bytes = (heapInUse() - bytes) / float64(n)
	before := cpuTime(b)
	for _, i := range order {
		if !timers[i].Stop() {
			b.Fatal("a timer had fired")
		}
	}
	c.cancel = float64(cpuTime(b)-before) / float64(n)
	clear(timers)
	runtime.GC()
	add(time.Now().Add(ahead))
	before = cpuTime(b)
	<-done
	c.fire = float64(cpuTime(b)-before) / float64(n)
	return c
}
