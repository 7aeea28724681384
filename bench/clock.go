package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clock is a way to tell how long something takes.
type clock struct {
	name string
	unit string // of perOp
	now  func() time.Duration
}

var (
	wallClock = clock{"wall", "ns", wallTime}
	cpuClock  = clock{"cpu", "cpu-ns", cpuTime}
)

// wallAndCPU are the metrics of perOp.
var wallAndCPU = []metric{{wallClock.name, wallClock.unit}, {cpuClock.name, cpuClock.unit}}

// rateAndCPU are the metrics of rateOf, where something is read or the like.
func rateAndCPU(something string) []metric {
	return []metric{{"", something + "/s"}, {"cpu", "cpu-ns/" + something}}
}

// perOp runs f, which does something n times, and returns the nanoseconds for one,
// by the clock on the wall and as processor time.
func perOp(n int, f func() error) ([]float64, error) {
	wall, cpu := wallTime(), cpuTime()
	err := f()
	wall, cpu = wallTime()-wall, cpuTime()-cpu
	return []float64{float64(wall.Nanoseconds()) / float64(n), float64(cpu.Nanoseconds()) / float64(n)}, err
}

// rateOf is perOp with a rate, per second, in place of the time on the wall.
func rateOf(n int, f func() error) ([]float64, error) {
	v, err := perOp(n, f)
	v[0] = 1e9 / v[0]
	return v, err
}

// perOp is perOp of one clock.
func (c clock) perOp(n int, f func() error) ([]float64, error) {
	before := c.now()
	err := f()
	return []float64{float64((c.now() - before).Nanoseconds()) / float64(n)}, err
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

// program runs one of the C programs, which prints a number for each metric.
func program(name string, args ...string) (values []float64, err error) {
	path := filepath.Join("bin", name)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: bench/run could not compile c/%s.c: install a C compiler and liburing", errMissing, name)
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w %s", path, err, bytes.TrimSpace(stderr.Bytes()))
	}
	for _, word := range bytes.Fields(out) {
		v, e := strconv.ParseFloat(string(word), 64)
		values, err = append(values, v), errors.Join(err, e)
	}
	return values, err
}
