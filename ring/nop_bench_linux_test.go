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
// with tags, submitted one by one or as a group, and taken in batches.
func BenchmarkNop(b *testing.B) {
	for _, pinned := range []bool{false, true} {
		for _, batch := range []int{1, 8, 32, 128} {
			for _, group := range []bool{false, true} {
				b.Run(fmt.Sprintf("pinned=%v/batch=%d/group=%v", pinned, batch, group), func(b *testing.B) {
					benchmarkNop(b, pinned, batch, group)
				})
			}
		}
	}
}

func benchmarkNop(b *testing.B, pinned bool, batch int, group bool) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	require.NoError(b, err)
	defer func() { require.NoError(b, r.Close()) }()
	dst := make([]ops.Completion, batch)
	reqs := make([]ops.Request, batch)
	for i := range reqs {
		reqs[i] = ops.Nop().WithTag(&reqs[i])
	}
	b.ReportAllocs()
	n, before := 0, cpuTime(b)
	for b.Loop() {
		if group {
			err = r.QueueAll(reqs, nil)
		}
		for i := 0; i < batch && !group && err == nil; i++ {
			_, err = r.Queue(reqs[i])
		}
		for got := 0; got < batch && err == nil; {
			var k int
			k, err = r.Wait(dst, batch-got, ring.Forever)
			got += k
		}
		n += batch
	}
	require.NoError(b, err)
	b.ReportMetric(float64(cpuTime(b)-before)/float64(n), "cpu-ns/nop")
}

// cpuTime returns the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	require.NoError(b, unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts))
	return time.Duration(ts.Nano())
}
