package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// priorityCases measures how long an urgent read of 4 KiB takes, past the page
// cache: behind 10,000 others of low priority, on a Ring that does nothing else, and
// behind as many where all are alike.
func priorityCases(o options) ([]comparison, func(), error) {
	file, err := newBlockFile("", int64(o.scale(blockMiB))<<20/blockSize)
	if err != nil {
		return nil, nil, err
	}
	var all []comparison
	for _, window := range []int{4, 8, 32} {
		by := func(backlog int, p ops.Priority, samples int) func() ([]float64, error) {
			return func() ([]float64, error) {
				return readsBehind(file, ring.Config{Pinned: true, InFlight: window}, o.scale(backlog), p, max(o.scale(samples), 3))
			}
		}
		// In short turns, since what the device needs for a read changes within seconds.
		t := &turns{count: max(o.scale(12), 1), open: func() ([]func() ([]float64, error), func() error, error) {
			return []func() ([]float64, error){by(10_000, ops.Highest, 300), by(0, ops.Highest, 300)}, func() error { return nil }, nil
		}}
		all = append(all, comparison{
			name:    fmt.Sprintf("window-%d", window),
			metrics: []metric{{"p50", "ns"}, {"p99", "ns"}, {"others", "read/s"}},
			sides: []side{
				{"urgent", t.side(0)},
				{"idle", t.side(1)},
				{"fifo", by(10_000, ops.Low, 10)},
			},
		})
	}
	return all, file.remove, nil
}

// backlog keeps reads of low priority waiting on a Ring.
type backlog struct {
	r    *ring.Ring
	file *blockFile
	fd   int
	junk []byte // what the others read is nobody's business: they share it
	rng  *rand.Rand
	dst  []ops.Completion
	done int // others
}

// other adds one more of the others.
func (b *backlog) other() error {
	_, err := b.r.Queue(ops.Read(b.fd, b.junk, b.rng.Int64N(b.file.blocks)*blockSize).WithPriority(ops.Low))
	return err
}

// readsBehind measures reads of a priority, one after the other, while others wait,
// and returns the median and the 99th percentile in nanoseconds, and how many of
// the others were done in a second.
func readsBehind(file *blockFile, cfg ring.Config, others int, p ops.Priority, samples int) (v []float64, err error) {
	f, err := file.open(true)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	memory, err := unix.Mmap(-1, 0, 2*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	defer unix.Munmap(memory)
	r, err := ring.New(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	b := &backlog{
		r: r, file: file, fd: int(f.Fd()), junk: memory[:blockSize],
		rng: rand.New(rand.NewPCG(1, 2)), dst: make([]ops.Completion, 64),
	}
	for range others {
		if err := b.other(); err != nil {
			return nil, err
		}
	}
	var took []float64
	begin := time.Now()
	for len(took) < samples {
		t, err := b.read(p, memory[blockSize:], others == 0)
		if err != nil {
			return nil, err
		}
		took = append(took, float64(t.Nanoseconds()))
	}
	slices.Sort(took)
	return []float64{median(took), took[len(took)*99/100], float64(b.done) / time.Since(begin).Seconds()}, nil
}

// read does one read, at a moment that has nothing to do with what is going on,
// and returns how long that took.
func (b *backlog) read(p ops.Priority, buf []byte, alone bool) (time.Duration, error) {
	block := b.rng.Int64N(b.file.blocks)
	pause := time.Now().Add(time.Duration(b.rng.IntN(300)) * time.Microsecond)
	for asked, start := false, (time.Time{}); ; {
		if !asked && time.Now().After(pause) {
			asked, start = true, time.Now()
			if _, err := b.r.Queue(ops.Read(b.fd, buf, block*blockSize).WithPriority(p).WithTag(b)); err != nil {
				return 0, err
			}
		}
		want := 1
		if !asked && alone {
			want = 0
		}
		n, err := b.r.Wait(b.dst, want, 100*time.Microsecond)
		if err != nil && !errors.Is(err, ops.ErrTimeout) {
			return 0, err
		}
		answered := false
		for i := range b.dst[:n] {
			c := &b.dst[i]
			if err := c.Err(); err != nil || c.N() != blockSize {
				return 0, fmt.Errorf("%d bytes: %w", c.N(), err)
			}
			if c.Tag == nil {
				b.done++
				err = b.other()
			} else {
				answered = true
				err = b.file.check(c.Buf, c.N(), block)
			}
			if err != nil {
				return 0, err
			}
		}
		if answered {
			return time.Since(start), nil
		}
	}
}
