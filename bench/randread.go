package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
)

// randreadCases reads blocks at random places past the page cache, with a number
// of reads under way: ours and C's from registered files into registered buffers.
func randreadCases(o options) ([]comparison, func(), error) {
	file, err := newBlockFile("", int64(o.scale(blockMiB))<<20/blockSize)
	if err != nil {
		return nil, nil, err
	}
	var all []comparison
	for _, depth := range []int{32, 128} {
		b := blockReads{file: file, direct: true, depth: depth, want: min(depth/4, 16), n: o.scale(90_000)}
		all = append(all, comparison{
			name:    fmt.Sprintf("depth-%d", depth),
			metrics: rateAndCPU("read"),
			ours:    2,
			sides:   append(b.inTurns(), side{"fio", b.byFio}),
		})
	}
	return all, file.remove, nil
}

// inTurns returns sides that read in short turns, since what the device does in a
// second changes within seconds.
func (b blockReads) inTurns() (sides []side) {
	t := &turns{count: 15}
	b.n = max(b.n/t.count, 1)
	alone := b
	alone.want = 1
	each := b.sides()
	each[2].run = alone.byC
	each = append(each, side{fmt.Sprintf("c-by-%d", b.want), b.byC})
	t.open = func() (runs []func() ([]float64, error), cleanUp func() error, err error) {
		for _, s := range each {
			runs = append(runs, inverse(s.run))
		}
		return runs, func() error { return nil }, nil
	}
	for i, s := range each {
		sides = append(sides, side{s.name, inverse(t.side(i))})
	}
	return sides
}

// inverse has a rate for the time that one takes, or the other way about: the mean
// of times is what a rate is to be calculated from.
func inverse(run func() ([]float64, error)) func() ([]float64, error) {
	return func() ([]float64, error) {
		v, err := run()
		if err == nil {
			v[0] = 1 / v[0]
		}
		return v, err
	}
}

// cachedreadCases does the same in the page cache, on one ring and on one for each
// of two processors.
func cachedreadCases(o options) ([]comparison, func(), error) {
	file, err := newBlockFile("", int64(o.scale(blockMiB))<<20/blockSize)
	if err == nil {
		err = file.warm()
	}
	if err != nil {
		return nil, nil, err
	}
	b := blockReads{file: file, depth: 32, want: 1, n: o.scale(400_000)}
	all := []comparison{{
		name:    "depth-32",
		metrics: rateAndCPU("read"),
		ours:    2,
		sides:   b.sides(),
	}}
	if runtime.NumCPU() >= 2 {
		pinned := b
		pinned.pinned = true
		b.n *= 2
		all = append(all, comparison{
			name:    "two-cpus",
			metrics: rateAndCPU("read"),
			ours:    1,
			sides: []side{
				{"two-pinned", func() ([]float64, error) { return pinned.byRings(2) }},
				{"goroutines", b.byGoroutines},
			},
		})
	}
	return all, file.remove, nil
}

func (b blockReads) sides() []side {
	pinned := b
	pinned.pinned = true
	return []side{
		{"pinned", func() ([]float64, error) { return pinned.byRings(1) }},
		{"shared", func() ([]float64, error) { return b.byRings(1) }},
		{"c", b.byC},
		{"goroutines", b.byGoroutines},
	}
}

func (b blockReads) byC() ([]float64, error) {
	how := "cached"
	if b.direct {
		how = "direct"
	}
	return program("randread", b.file.path, strconv.FormatInt(b.file.blocks, 10), how,
		strconv.Itoa(b.depth), strconv.Itoa(b.want), strconv.Itoa(b.n))
}

// byFio has fio do it, which others know. It counts what its process used.
func (b blockReads) byFio() ([]float64, error) {
	cmd := exec.Command("fio", "--name=randread", "--filename="+b.file.path, "--rw=randread", "--bs=4k", "--direct=1",
		"--ioengine=io_uring", "--fixedbufs", "--registerfiles", "--iodepth="+strconv.Itoa(b.depth), "--norandommap",
		"--io_size="+strconv.Itoa(b.n*blockSize), "--thread", "--output-format=json")
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: fio is not installed", errMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	var report struct {
		Jobs []struct {
			Read struct {
				IOPS  float64 `json:"iops"`
				Total int     `json:"total_ios"`
			} `json:"read"`
			User    float64 `json:"usr_cpu"` // percent
			System  float64 `json:"sys_cpu"`
			Runtime float64 `json:"job_runtime"` // milliseconds
		} `json:"jobs"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("fio: %w: %s", err, out)
	}
	if len(report.Jobs) != 1 || report.Jobs[0].Read.Total < b.n {
		return nil, fmt.Errorf("fio has not done %d reads: %s", b.n, out)
	}
	j := report.Jobs[0]
	return []float64{j.Read.IOPS, (j.User + j.System) / 100 * j.Runtime * 1e6 / float64(j.Read.Total)}, nil
}
