package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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
	name  string
	unit  string
	sides []side
}

// side does the work once and returns how well, in the comparison's unit.
type side struct {
	name string
	run  func() (float64, error)
}

// errMissing marks a side that cannot run here.
var errMissing = errors.New("not available here")

// run measures all cases: in each round all sides in turn, so that a change in
// the machine's speed meets all of them, and starting with another one each time.
func (b benchmark) run(o options) error {
	cases, cleanUp, err := b.cases(o)
	if err != nil {
		return err
	}
	defer cleanUp()
	for _, c := range cases {
		samples := make([][]float64, len(c.sides))
		for round := range o.rounds {
			for i := range c.sides {
				at := (i + round) % len(c.sides)
				v, err := c.sides[at].run()
				if errors.Is(err, errMissing) {
					continue
				}
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.name, c.sides[at].name, err)
				}
				samples[at] = append(samples[at], v)
			}
		}
		if err := report(b, c, samples, o); err != nil {
			return err
		}
	}
	return nil
}

// report prints medians and ratios, and keeps the samples.
func report(b benchmark, c comparison, samples [][]float64, o options) error {
	for i, s := range c.sides {
		if len(samples[i]) == 0 {
			fmt.Printf("%s/%s %s: %v\n", b.name, c.name, s.name, errMissing)
			continue
		}
		fmt.Printf("%s/%s %-12s median %-12.5g min %-12.5g max %-12.5g %s\n", b.name, c.name, s.name,
			median(samples[i]), slices.Min(samples[i]), slices.Max(samples[i]), c.unit)
	}
	for i := 1; i < len(c.sides); i++ {
		if len(samples[i]) != len(samples[0]) || len(samples[0]) == 0 {
			continue
		}
		ratios := make([]float64, len(samples[0]))
		for k := range ratios {
			ratios[k] = samples[0][k] / samples[i][k]
		}
		fmt.Printf("RATIO %s/%s %s/%s %.3f min %.3f max %.3f n %d\n", b.name, c.name,
			c.sides[0].name, c.sides[i].name, median(ratios), slices.Min(ratios), slices.Max(ratios), len(ratios))
	}
	if o.short {
		return nil
	}
	return keep(b, c, samples)
}

// keep appends the samples to results, a line for each side.
func keep(b benchmark, c comparison, samples [][]float64) error {
	if err := os.MkdirAll("results", 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join("results", b.name+".tsv"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	when := time.Now().UTC().Format(time.RFC3339)
	for i, s := range c.sides {
		_, err = fmt.Fprintf(f, "%s\t%s\t%s\t%s\t%s\n", when, c.name, s.name, c.unit,
			strings.Trim(fmt.Sprint(samples[i]), "[]"))
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// clock is a way to tell how long something takes.
type clock struct {
	name string
	unit string // of perOp
	now  func() time.Duration
}

var (
	wallClock = clock{"wall", "ns", wallTime}
	cpuClock  = clock{"cpu", "cpu-ns", cpuTime}
	clocks    = []clock{wallClock, cpuClock}
)

// perOp runs f, which does something n times, and returns the nanoseconds for one.
func (c clock) perOp(n int, f func() error) (float64, error) {
	before := c.now()
	err := f()
	return float64((c.now() - before).Nanoseconds()) / float64(n), err
}

var began = time.Now()

// wallTime returns the time since the program has begun.
func wallTime() time.Duration { return time.Since(began) }

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err) // the clock exists on every Linux
	}
	return time.Duration(ts.Nano())
}

// program runs one of the C programs, which prints one number.
func program(name string, args ...string) (v float64, err error) {
	path := filepath.Join("bin", name)
	if _, err := os.Stat(path); err != nil {
		return 0, errMissing
	}
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	_, err = fmt.Sscan(string(out), &v)
	return v, err
}
