package timers

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluicego/sluice/ops"
)

// The structures that were compared, by what a Ring asks of them. See
// doc/decisions.
type keeper interface {
	add(i int, when ops.Instant)
	remove(i int)
	expire(now ops.Instant) int
}

type heapKeeper struct{ Heap }

func (h *heapKeeper) add(i int, when ops.Instant) { h.Add(i, uint64(i), when) }
func (h *heapKeeper) remove(i int)                { h.Remove(i) }
func (h *heapKeeper) expire(now ops.Instant) (n int) {
	for {
		if _, ok := h.Pop(now); !ok {
			h.Next()
			return n
		}
		n++
	}
}

type wheelKeeper struct {
	set   Set[int]
	w     *Wheel[int]
	names []uint64
}

func (k *wheelKeeper) add(i int, when ops.Instant) { k.w.Add(k.names[i], when) }
func (k *wheelKeeper) remove(i int)                { k.w.Remove(k.names[i]) }
func (k *wheelKeeper) expire(now ops.Instant) (n int) {
	k.w.Expire(now, func(uint64, *Timer[int]) { n++ })
	k.w.Next()
	return n
}

func keepers(n int) map[string]keeper {
	k := &wheelKeeper{}
	k.w = NewWheel(&k.set, 0)
	for range n {
		_, name := k.set.Alloc()
		k.names = append(k.names, name)
	}
	return map[string]keeper{"heap": &heapKeeper{}, "wheel": k}
}

// BenchmarkKeepers measures adding, removing and firing with a given number of
// timers pending over a minute, as timeouts (each later than the one before) and
// at random times. fire advances by a millisecond at a time.
func BenchmarkKeepers(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		for _, order := range []string{"rising", "random"} {
			rng := rand.New(rand.NewPCG(1, 2))
			whens := make([]ops.Instant, n)
			for i := range whens {
				whens[i] = ops.Instant(time.Minute) * ops.Instant(i+1) / ops.Instant(n)
			}
			shuffled := rng.Perm(n)
			if order == "random" {
				rng.Shuffle(n, func(i, j int) { whens[i], whens[j] = whens[j], whens[i] })
			}
			for name, k := range keepers(n) {
				b.Run(fmt.Sprintf("%d/%s/%s", n, order, name), func(b *testing.B) {
					var add, remove, fire, step time.Duration
					rounds, steps := 0, 0
					var base ops.Instant
					fill := func() {
						begin := time.Now()
						for i, when := range whens {
							k.add(i, base+when)
						}
						add += time.Since(begin)
					}
					for b.Loop() {
						fill()
						begin := time.Now()
						for _, i := range shuffled {
							k.remove(i)
						}
						remove += time.Since(begin)
						fill()
						begin = time.Now()
						for fired := 0; fired < n; steps++ {
							base += ops.Instant(time.Millisecond)
							at := time.Now()
							fired += k.expire(base)
							step = max(step, time.Since(at))
						}
						fire += time.Since(begin)
						rounds += n
					}
					b.ReportMetric(float64(add)/float64(2*rounds), "ns/add")
					b.ReportMetric(float64(remove)/float64(rounds), "ns/remove")
					b.ReportMetric(float64(fire)/float64(rounds), "ns/fire")
					b.ReportMetric(float64(step)/1000, "µs/longest")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
