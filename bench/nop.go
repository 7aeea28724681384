package main

import (
	"fmt"
	"strconv"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func nopCases(o options) ([]comparison, func(), error) {
	var all []comparison
	for _, batch := range []int{1, 8, 32, 128} {
		n := o.scale(2_000_000)
		all = append(all, comparison{
			name:    fmt.Sprintf("batch-%d", batch),
			metrics: []metric{{"", "op/cpu-s"}},
			ours:    2,
			sides: []side{
				{"pinned", func() ([]float64, error) { return nops(true, batch, n) }},
				{"shared", func() ([]float64, error) { return nops(false, batch, n) }},
				{"c", func() ([]float64, error) { return program("nop", strconv.Itoa(batch), strconv.Itoa(n)) }},
				{"giouring", func() ([]float64, error) { return nopsByGiouring(batch, n) }},
				{"iouring-go", func() ([]float64, error) { return nopsByIouringGo(batch, n) }},
			},
		})
	}
	return all, func() {}, nil
}

func nops(pinned bool, batch, n int) ([]float64, error) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	reqs := make([]ops.Request, batch)
	for i := range reqs {
		reqs[i] = ops.Nop().WithTag(&reqs[i])
	}
	dst := make([]ops.Completion, batch)
	before := cpuTime()
	for done := 0; done < n; done += batch {
		if err := r.QueueAll(reqs, nil); err != nil {
			return nil, err
		}
		for got := 0; got < batch; {
			k, err := r.Wait(dst, batch-got, ring.Forever)
			if err != nil {
				return nil, err
			}
			got += k
		}
	}
	return []float64{float64(n) / (cpuTime() - before).Seconds()}, nil
}
