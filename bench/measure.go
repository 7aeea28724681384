package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
)

type options struct {
	rounds int
	short  bool
}

// scale returns n, or little of it in a short run.
func (o options) scale(n int) int {
	if o.short {
		return max(n/100, 1)
	}
	return n
}

// benchmark is a set of cases that measure the same thing.
type benchmark struct {
	name  string
	about string
	cases func(o options) ([]comparison, func(), error) // the function cleans up
}

// comparison is one case: sides that do the same work, ours first.
type comparison struct {
	name    string
	metrics []metric
	ours    int // how many sides are ours; 0 is 1
	sides   []side
}

// metric is one of the things that a side measures. The name follows that of the
// case in RATIO lines; it may be empty.
type metric struct{ name, unit string }

// side does the work once and returns a number for each metric.
type side struct {
	name string
	run  func() ([]float64, error)
}

// errMissing marks a side that cannot run here. Wrapped, it has the reason.
var errMissing = errors.New("not available here")

// series is what one metric of one side was, round by round.
type series struct {
	benchmark, kase, metric, unit string
	side                          string
	ours                          bool
	samples                       []float64
}

// name returns the benchmark, the case and the metric.
func (s *series) name() string {
	if s.metric == "" {
		return s.benchmark + "/" + s.kase
	}
	return s.benchmark + "/" + s.kase + "-" + s.metric
}

// run measures all cases: in each round all sides in turn, so that a change in
// the machine's speed meets all of them, and starting with another one each time.
func (b benchmark) run(o options) error {
	cases, cleanUp, err := b.cases(o)
	if err != nil {
		return err
	}
	defer cleanUp()
	for _, c := range cases {
		all, err := c.measure(b.name, o.rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		report(all)
		if o.short {
			continue
		}
		if err := keep(all); err != nil {
			return err
		}
	}
	return nil
}

// measure returns a series for each metric and side, metric by metric, without the
// sides that are missing.
func (c *comparison) measure(benchmark string, rounds int) ([]series, error) {
	all := make([]series, len(c.metrics)*len(c.sides))
	at := func(metric, side int) *series { return &all[metric*len(c.sides)+side] }
	for m, metric := range c.metrics {
		for i, s := range c.sides {
			*at(m, i) = series{benchmark: benchmark, kase: c.name, metric: metric.name, unit: metric.unit, side: s.name, ours: i < max(c.ours, 1)}
		}
	}
	missing := make([]error, len(c.sides))
	for round := range rounds {
		for k := range c.sides {
			i := (k + round) % len(c.sides)
			if missing[i] != nil {
				continue
			}
			runtime.GC() // what others left behind is not this side's
			values, err := c.sides[i].run()
			if errors.Is(err, errMissing) {
				missing[i] = err
				fmt.Printf("%s/%s %s: %v\n", benchmark, c.name, c.sides[i].name, err)
				continue
			}
			if err == nil && len(values) != len(c.metrics) {
				err = fmt.Errorf("%d values for %d metrics", len(values), len(c.metrics))
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.sides[i].name, err)
			}
			for m, v := range values {
				at(m, i).samples = append(at(m, i).samples, v)
			}
		}
	}
	return slices.DeleteFunc(all, func(s series) bool { return len(s.samples) == 0 }), nil
}

// report prints medians, and the ratios of ours to the peers within rounds.
func report(all []series) {
	for _, s := range all {
		fmt.Printf("%s %-12s median %-12.5g min %-12.5g max %-12.5g %s\n", s.name(), s.side,
			median(s.samples), slices.Min(s.samples), slices.Max(s.samples), s.unit)
	}
	for _, a := range all {
		for _, b := range all {
			if r := ratios(a, b); a.ours && !b.ours && r != nil {
				fmt.Printf("RATIO %s %s/%s %.3f min %.3f max %.3f n %d\n", a.name(),
					a.side, b.side, median(r), slices.Min(r), slices.Max(r), len(r))
			}
		}
	}
}

// ratios returns a to b round by round, nil if these do not measure the same, or b
// is nothing.
func ratios(a, b series) (all []float64) {
	if a.name() != b.name() || len(a.samples) != len(b.samples) || slices.Contains(b.samples, 0) {
		return nil
	}
	for i := range a.samples {
		all = append(all, a.samples[i]/b.samples[i])
	}
	return all
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
