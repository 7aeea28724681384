package fallback_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func nothing() (int, error) { return 0, nil }

// BenchmarkCall is a call that does nothing, there and back, beside the same
// between two goroutines without a Ring.
func BenchmarkCall(b *testing.B) {
	b.Run("do", func(b *testing.B) {
		r := newRing(b, ring.Config{})
		req := fallback.Call(nothing)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Do(context.Background(), req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("wait", func(b *testing.B) {
		r := newRing(b, ring.Config{})
		req := fallback.Call(nothing)
		var dst [1]ops.Completion
		b.ReportAllocs()
		for b.Loop() {
			_, err := r.Submit(req)
			require.NoError(b, err)
			if _, err := r.Wait(dst[:], 1, ring.Forever); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("batch=32", func(b *testing.B) {
		r := newRing(b, ring.Config{})
		req := fallback.Call(nothing)
		dst := make([]ops.Completion, 32)
		b.ReportAllocs()
		for b.Loop() {
			for range dst {
				if _, err := r.Queue(req); err != nil {
					b.Fatal(err)
				}
			}
			for n := 0; n < len(dst); {
				k, err := r.Wait(dst, 1, ring.Forever)
				if err != nil {
					b.Fatal(err)
				}
				n += k
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(dst)), "ns/call")
	})
	b.Run("goroutines", func(b *testing.B) {
		calls, results := make(chan func() (int, error)), make(chan int)
		go func() {
			for f := range calls {
				n, _ := f()
				results <- n
			}
		}()
		defer close(calls)
		for b.Loop() {
			calls <- nothing
			<-results
		}
	})
}
