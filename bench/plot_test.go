package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// sample is a result of one benchmark as its file has it.
const sample = `2026-01-01T00:00:00Z	Linux 6.18	2 × CPU	cached	cpu	cpu-ns/file	pinned	ours	1000 3000 2000
2026-01-01T00:00:00Z	Linux 6.18	2 × CPU	cached	cpu	cpu-ns/file	a<b	peer	2000 3000 1000
2025-01-01T00:00:00Z	Linux 6.18	2 × CPU	cached		file/s	c	peer	5 5 0`

func parse(t *testing.T, text string) (all []result) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		r, err := parseResult("smallfiles", line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestJudge(t *testing.T) {
	all := parse(t, sample)
	goal := most(1, "", "smallfiles/cached-cpu", "pinned", "a<b", "")
	samples, met := goal.judge(all)
	if !slices.Equal(samples, []float64{0.5, 1, 2}) || !met {
		t.Errorf("within rounds: %v, met %t", samples, met)
	}
	goal.bound = 0.9
	if _, met := goal.judge(all); met {
		t.Error("a median of 1 is not at most 0.9")
	}
	goal.peer, goal.bound, goal.atLeast = "", 2000, true
	if samples, met := goal.judge(all); !met || len(samples) != 3 {
		t.Errorf("without a peer: %v, met %t", samples, met)
	}
	all[1].when = "2026-01-02T00:00:00Z"
	goal.peer = "a<b"
	if samples, _ := goal.judge(all); samples != nil {
		t.Errorf("of another run: %v", samples)
	}
	goal.name, goal.ours, goal.peer = "smallfiles/cached", "c", "c"
	if samples, _ := goal.judge(all); samples != nil {
		t.Errorf("divided by nothing: %v", samples)
	}
}

// The table links to a section for each benchmark, in which its plot is.
func TestTargetsNameBenchmarks(t *testing.T) {
	doc, err := os.ReadFile("../doc/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		if title, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(line)), "## "); ok {
			sections[strings.NewReplacer(" ", "-", "`", "", "/", "", ":", "", ",", "").Replace(title)] = true
		}
	}
	for _, goal := range targets {
		name, _, _ := strings.Cut(goal.name, "/")
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			t.Errorf("%q: no benchmark %q", goal.what, name)
		}
		if !sections[goal.section] {
			t.Errorf("%q: doc/performance.md has no section %q", goal.what, goal.section)
		}
		if !strings.Contains(string(doc), "(bench/"+name+".svg)") {
			t.Errorf("%q: doc/performance.md does not show bench/%s.svg", goal.what, name)
		}
	}
}

func TestDrawing(t *testing.T) {
	d := drawing{results: parse(t, sample)}
	d.draw(benchmarks[0])
	text := d.finish(benchmarks[0])
	for dec := xml.NewDecoder(strings.NewReader(string(text))); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
	for _, want := range []string{"2.00 µs", "1.00 µs – 3.00 µs", "a&lt;b"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestAxis(t *testing.T) {
	for _, samples := range [][]float64{{1, 3}, {0, 0}, {99, 100}, {1, 1e6}, {0.002}} {
		a := newAxis([]result{{series: series{samples: samples}}})
		for _, v := range samples {
			if x := a.at(v); x < plotLeft || x > plotRight {
				t.Errorf("%v of %v is at %d", v, samples, x)
			}
		}
		if n := len(a.ticks()); n < 2 || n > 12 {
			t.Errorf("%v has %d ticks", samples, n)
		}
	}
}

func TestQuantity(t *testing.T) {
	for want, got := range map[string]string{
		"3.02 µs": quantity(3021, "cpu-ns/file"), "1.00 ms": quantity(999_900, "ns"), "276 k": quantity(276_000, "file/s"),
		"6.30 GB": quantity(6.3e9, "B/s"), "268 B": quantity(268, "B"), "0.270": quantity(0.27, "cpu-s/GB"),
		"2 µs": tickLabel(2000, "ns"), "0": tickLabel(0, "ns"), "100 k": tickLabel(1e5, "op/s"), "2.5": tickLabel(2.5, ""),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestByCase(t *testing.T) {
	var all []result
	for _, of := range []string{"a 1 ours", "a 2 peer", "b 3 peer", "a 4 ours", "b 5 ours", "a 6 peer"} {
		f := strings.Fields(of)
		all = append(all, result{series: series{kase: f[0], side: f[1], ours: f[2] == "ours"}})
	}
	order := ""
	for _, r := range byCase(all) {
		order += r.side
	}
	if order != "142653" {
		t.Error(order)
	}
}
