package ring_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

const (
	backlogBlock = 4096
	backlogFile  = 256 << 20
	backlogSize  = 10_000
)

// BenchmarkUrgentRead measures how long an urgent read of 4 KiB takes, past the page
// cache, on a Ring that does nothing else, on one that always has 10,000 others of
// low priority to do, and on one where all are alike. Latencies are in microseconds.
func BenchmarkUrgentRead(b *testing.B) {
	file := directFile(b)
	for _, window := range []int{4, 8, 32} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			samples := map[string][]time.Duration{}
			var others []float64
			for b.Loop() {
				for _, c := range []struct {
					name     string
					backlog  int
					priority ops.Priority
					samples  int
				}{{"idle", 0, ops.Highest, 300}, {"urgent", backlogSize, ops.Highest, 300}, {"fifo", backlogSize, ops.Low, 10}} {
					took, rate := urgentReads(b, file, window, c.backlog, c.samples, c.priority)
					samples[c.name] = append(samples[c.name], took...)
					if c.name == "urgent" {
						others = append(others, rate)
					}
				}
			}
			p99 := map[string]float64{}
			for name, took := range samples {
				slices.Sort(took)
				p99[name] = took[len(took)*99/100].Seconds() * 1e6
				b.ReportMetric(took[len(took)/2].Seconds()*1e6, name+"-p50")
				b.ReportMetric(p99[name], name+"-p99")
			}
			b.ReportMetric(p99["urgent"]/p99["idle"], "urgent/idle")
			b.ReportMetric(p99["fifo"]/p99["urgent"], "fifo/urgent")
			slices.Sort(others)
			b.ReportMetric(others[len(others)/2], "others/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// directFile returns a file that is read past the page cache.
func directFile(b *testing.B) int {
	path := b.TempDir() + "/data"
	require.NoError(b, os.WriteFile(path, make([]byte, backlogFile), 0o600))
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Skipf("no O_DIRECT here: %v", err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	require.NoError(b, unix.Fsync(fd))
	return fd
}

// urgentReads keeps a backlog of reads on a Ring and measures some of its own, one
// after the other. It also returns how many of the others were done in a second.
func urgentReads(b *testing.B, fd, window, backlog, samples int, p ops.Priority) (took []time.Duration, rate float64) {
	r, err := ring.New(ring.Config{Pinned: true, InFlight: window})
	require.NoError(b, err)
	defer func() { require.NoError(b, r.Close()) }()
	rng := rand.New(rand.NewPCG(1, 2))
	memory, err := unix.Mmap(-1, 0, backlogBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	require.NoError(b, err)
	defer func() { require.NoError(b, unix.Munmap(memory)) }()
	submit := func(p ops.Priority, tag any) {
		// What is read is nobody's business, so one buffer serves all.
		req := ops.Read(fd, memory, rng.Int64N(backlogFile/backlogBlock)*backlogBlock)
		if _, err := r.Queue(req.WithPriority(p).WithTag(tag)); err != nil {
			b.Fatal(err)
		}
	}
	for range backlog {
		submit(ops.Low, nil)
	}
	mine := new(int)
	dst := make([]ops.Completion, 64)
	done, begin := 0, time.Now()
	for len(took) < samples {
		// Ask at moments that have nothing to do with what is going on.
		pause := time.Now().Add(time.Duration(rng.IntN(300)) * time.Microsecond)
		for asked, start := false, (time.Time{}); ; {
			if !asked && time.Now().After(pause) {
				asked, start = true, time.Now()
				submit(p, mine)
			}
			min := 1
			if !asked && backlog == 0 {
				min = 0
			}
			n, err := r.Wait(dst, min, 100*time.Microsecond)
			if err != nil && n == 0 && asked {
				continue
			}
			answered := false
			for _, c := range dst[:n] {
				require.NoError(b, c.Err())
				if answered = answered || c.Tag == mine; c.Tag == nil {
					done++
					submit(ops.Low, nil)
				}
			}
			if answered {
				took = append(took, time.Since(start))
				break
			}
		}
	}
	rate = float64(done) / time.Since(begin).Seconds()
	if _, err := r.CancelAll(); err != nil {
		b.Fatal(err)
	}
	for r.Stats().Pending != 0 {
		_, _ = r.Wait(dst, 1, time.Second)
	}
	return took, rate
}
