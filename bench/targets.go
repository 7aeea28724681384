package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// target is what a measurement should come to: a line of the table in
// doc/performance.md, and a mark in the plot.
type target struct {
	what    string  // in the words of the table
	name    string  // benchmark/case-metric, as RATIO lines have it
	ours    string  // the side that is judged
	peer    string  // what its samples are divided by, within rounds; empty for nothing
	atLeast bool    // bound is the least, else the most
	bound   float64 // a ratio, or in the metric's unit if there is no peer
	section string  // of doc/performance.md, as in a link
}

func most(bound float64, what, name, ours, peer, section string) target {
	return target{what, name, ours, peer, false, bound, section}
}

func least(bound float64, what, name, ours, peer, section string) target {
	return target{what, name, ours, peer, true, bound, section}
}

// judge returns the samples that the bound is for, and whether their median is
// within it. There are none if it was not measured, or not in one run.
func (t target) judge(all []result) (samples []float64, met bool) {
	ours, peer := t.find(all, t.ours), t.find(all, t.peer)
	switch {
	case ours == nil:
		return nil, false
	case t.peer == "":
		samples = ours.samples
	case peer != nil && peer.when == ours.when:
		samples = ratios(ours.series, peer.series)
	}
	if samples == nil {
		return nil, false
	}
	if t.atLeast {
		return samples, median(samples) >= t.bound
	}
	return samples, median(samples) <= t.bound
}

func (t target) find(all []result, side string) *result {
	i := slices.IndexFunc(all, func(r result) bool { return r.name() == t.name && r.side == side })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// value returns where the mark of t is in a plot, in the unit of its metric.
func (t target) value(all []result) (v float64, ok bool) {
	if t.peer == "" {
		return t.bound, true
	}
	peer := t.find(all, t.peer)
	if peer == nil {
		return 0, false
	}
	return t.bound * median(peer.samples), true
}

// targetTable returns the table of all targets, in Markdown.
func targetTable(results map[string][]result) string {
	var table strings.Builder
	fmt.Fprintln(&table, "| | target | median | least-most | met | |\n|---|---|---|---|---|---|")
	met, measured := 0, 0
	for _, t := range targets {
		benchmark, _, _ := strings.Cut(t.name, "/")
		all := results[benchmark]
		format := threeDigits
		bound := "≤ "
		if t.atLeast {
			bound = "≥ "
		}
		r := t.find(all, t.ours)
		switch {
		case t.peer != "":
			bound += strconv.FormatFloat(t.bound, 'g', -1, 64) + " × " + t.peer
		case r == nil:
			bound += strconv.FormatFloat(t.bound, 'g', -1, 64)
		default:
			format = func(v float64) string { return quantity(v, r.unit) }
			bound += tickLabel(t.bound, r.unit)
		}
		samples, ok := t.judge(all)
		how := [3]string{"not measured", "", "–"}
		if samples != nil {
			how = [3]string{format(median(samples)), format(slices.Min(samples)) + "-" + format(slices.Max(samples)), "no"}
			measured++
			if ok {
				met++
				how[2] = "yes"
			}
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | [more](#%s) |\n", t.what, bound, how[0], how[1], how[2], t.section)
	}
	fmt.Fprintf(&table, "\n%d of %d targets are met; %d were not measured.\n", met, len(targets), len(targets)-measured)
	return table.String()
}
