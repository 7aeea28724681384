package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A line of results/<benchmark>.tsv is one series: when it ended, on what kernel
// and machine, the case, the metric, its unit, the side, ours or peer, the samples.
const resultColumns = 9

// keep appends series to the results of their benchmark.
func keep(all []series) (err error) {
	if len(all) == 0 {
		return nil
	}
	if err := os.MkdirAll("results", 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join("results", all[0].benchmark+".tsv"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	when := time.Now().UTC().Format(time.RFC3339)
	var text bytes.Buffer
	for _, s := range all {
		whose := "peer"
		if s.ours {
			whose = "ours"
		}
		samples := make([]string, len(s.samples))
		for i, v := range s.samples {
			samples[i] = strconv.FormatFloat(v, 'g', 6, 64)
		}
		fmt.Fprintln(&text, strings.Join([]string{
			when, kernel(), machine(), s.kase, s.metric, s.unit, s.side, whose, strings.Join(samples, " "),
		}, "\t"))
	}
	_, err = f.Write(text.Bytes())
	return err
}

// result is a series that was kept.
type result struct {
	series
	when, kernel, machine string
}

// load returns what was kept of a benchmark, the newest of each case and side
// alone, in the order in which they were measured first. A benchmark that was
// never run has nothing.
func load(benchmark string) (all []result, err error) {
	text, err := os.ReadFile(filepath.Join("results", benchmark+".tsv"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	newest := map[[3]string]int{}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		r, err := parseResult(benchmark, line)
		if err != nil {
			return nil, fmt.Errorf("results/%s.tsv:%d: %w", benchmark, i+1, err)
		}
		key := [3]string{r.kase, r.metric, r.side}
		if at, ok := newest[key]; ok {
			all[at] = r
			continue
		}
		newest[key] = len(all)
		all = append(all, r)
	}
	return all, nil
}

func parseResult(benchmark, line string) (r result, err error) {
	f := strings.Split(line, "\t")
	if len(f) != resultColumns {
		return r, fmt.Errorf("%d columns instead of %d", len(f), resultColumns)
	}
	r = result{
		series: series{benchmark: benchmark, kase: f[3], metric: f[4], unit: f[5], side: f[6], ours: f[7] == "ours"},
		when:   f[0], kernel: f[1], machine: f[2],
	}
	for word := range strings.FieldsSeq(f[8]) {
		v, e := strconv.ParseFloat(word, 64)
		r.samples, err = append(r.samples, v), errors.Join(err, e)
	}
	if len(r.samples) == 0 {
		err = errors.New("no samples")
	}
	return r, err
}

// kernel returns the system and its release.
var kernel = sync.OnceValue(func() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
})

// machine describes the processors, and the Go release that this was built with.
var machine = sync.OnceValue(func() string {
	model := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo") // without it, the architecture must do
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	where := ""
	if strings.Contains(string(info), " hypervisor") {
		where = ", virtual"
	}
	return fmt.Sprintf("%d × %s%s, %s", runtime.NumCPU(), model, where, runtime.Version())
})
