package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// The most descriptors that a case uses; the limit is 20,000 in many places.
const (
	receivePairs = 9000 // two each
	pollFiles    = 19000
)

// pendingCases measures what one event costs while 10, 1,000 and 100,000 requests
// are pending: ten of them complete again and again, the others wait. The event
// itself, a write to a socket or an eventfd, is part of the cost. A goroutine needs
// a descriptor of its own, so of these there are not 100,000.
func pendingCases(o options) ([]comparison, func(), error) {
	events := o.scale(200_000)
	var all []comparison
	for _, kind := range []string{"receive", "poll"} {
		for _, n := range []int{10, 1000, 100_000} {
			files := min(n, pollFiles)
			sides := []string{"pinned", "shared", "c"}
			if kind == "receive" {
				files = min(n, receivePairs)
				sides = append(sides, "goroutine")
			}
			c := comparison{name: fmt.Sprintf("%s-%d", kind, n), metrics: []metric{{"", "cpu-ns"}}, ours: 2}
			for _, s := range sides {
				if s == "goroutine" && n > files {
					continue
				}
				c.sides = append(c.sides, side{s, func() ([]float64, error) { return eventCost(s, kind, n, files, events) }})
			}
			all = append(all, c)
		}
		all = append(all, flatness(kind, events)...)
	}
	return all, func() {}, nil
}

// flatness compares 100,000 pending requests with fewer, within rounds.
func flatness(kind string, events int) (all []comparison) {
	for _, s := range []string{"pinned", "shared"} {
		c := comparison{name: kind + "-growth-" + s, metrics: []metric{{"", "cpu-ns"}}}
		for _, n := range []int{100_000, 1000, 10} {
			files := min(n, pollFiles)
			if kind == "receive" {
				files = min(n, receivePairs)
			}
			c.sides = append(c.sides, side{strconv.Itoa(n), func() ([]float64, error) { return eventCost(s, kind, n, files, events) }})
		}
		all = append(all, c)
	}
	return all
}

func eventCost(side, kind string, n, files, events int) ([]float64, error) {
	cmd, err := subjectCommand(side, kind, n, files, events)
	if err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return []float64{ns}, err
}

// subjectCommand returns the process for a side; see subjectVariable.
func subjectCommand(side string, args ...any) (*exec.Cmd, error) {
	text := strings.TrimSuffix(fmt.Sprintln(args...), "\n")
	var cmd *exec.Cmd
	if side == "c" {
		var err error
		if cmd, err = cProgram("pending", strings.Fields(text)...); err != nil {
			return nil, err
		}
	} else {
		cmd = exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", subjectVariable, side, text))
	}
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// memoryCases measures what a pending request keeps, in the process and in the
// kernel, without the descriptors and without buffers.
func memoryCases(o options) ([]comparison, func(), error) {
	var all []comparison
	for _, kind := range []string{"receive", "poll"} {
		c := comparison{name: kind, metrics: []metric{{"", "B"}, {"kernel", "B"}}, ours: 2}
		for _, s := range []string{"pinned", "shared", "c", "goroutine"} {
			n, files := o.scale(100_000), 1000
			if s == "goroutine" {
				n = o.scale(receivePairs)
				files = n
				if kind != "receive" {
					continue
				}
			}
			c.sides = append(c.sides, side{s, func() ([]float64, error) { return memoryOf(s, kind, n, files) }})
		}
		all = append(all, c)
	}
	return all, func() {}, nil
}

// memoryOf returns the bytes for one of n pending requests, and of these the
// kernel's.
func memoryOf(side, kind string, n, files int) (bytes []float64, err error) {
	cmd, err := subjectCommand(side, kind, n, files)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close(), cmd.Wait()) }()
	out := bufio.NewReader(pipe)
	var own, kernel [2]float64
	for i, step := range []string{"ready\n", "armed\n"} {
		if line, err := out.ReadString('\n'); line != step {
			return nil, fmt.Errorf("%s: %q instead of %q: %w", side, line, step, err)
		}
		if kernel[i], err = settledSlab(); err != nil {
			return nil, err
		}
		own[i], err = kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", cmd.Process.Pid), "Anonymous:")
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if _, err := io.WriteString(in, "\n"); err != nil {
				return nil, err
			}
		}
	}
	inKernel := (kernel[1] - kernel[0]) / float64(n)
	return []float64{(own[1]-own[0])/float64(n) + inKernel, inKernel}, nil
}

// settledSlab returns the bytes of the kernel's objects, once these have stopped
// getting fewer: what a process before this one has left takes its time.
func settledSlab() (float64, error) {
	least, calm := math.Inf(1), 0
	for range 100 {
		v, err := kilobytes("/proc/meminfo", "SUnreclaim:")
		if err != nil {
			return 0, err
		}
		if calm++; v < least-1<<16 {
			least, calm = v, 0
		}
		if calm == 5 {
			return v, nil
		}
		time.Sleep(40 * time.Millisecond)
	}
	return 0, errors.New("the kernel's memory does not settle")
}

// kilobytes returns a value of a file in /proc, in bytes.
func kilobytes(file, name string) (float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			v, err := strconv.ParseFloat(fields[1], 64)
			return v * 1024, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}
