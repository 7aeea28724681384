package ring_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// BenchmarkNop measures what a Ring costs by itself: requests that do nothing,
// submitted one by one and taken in batches.
func BenchmarkNop(b *testing.B) {
	for _, pinned := range []bool{false, true} {
		for _, batch := range []int{1, 8, 32, 128} {
			b.Run(fmt.Sprintf("pinned=%v/batch=%d", pinned, batch), func(b *testing.B) {
				r, err := ring.New(ring.Config{Pinned: pinned})
				require.NoError(b, err)
				defer func() { require.NoError(b, r.Close()) }()
				dst := make([]ops.Completion, batch)
				b.ReportAllocs()
				n, before := 0, cpuTime(b)
				for b.Loop() {
					for range batch {
						if _, err := r.Queue(ops.Nop()); err != nil {
							b.Fatal(err)
						}
					}
					for got := 0; got < batch; {
						k, err := r.Wait(dst, batch-got, ring.Forever)
						if err != nil {
							b.Fatal(err)
						}
						got += k
					}
					n += batch
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(n), "cpu-ns/nop")
			})
		}
	}
}

// cpuTime returns the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	require.NoError(b, unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts))
	return time.Duration(ts.Nano())
}
