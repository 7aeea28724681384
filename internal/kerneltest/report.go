package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report writes what is to be known about k.
func (k *kernel) report(w io.Writer) {
	fmt.Fprintf(w, "\n=== %s: Linux %s, %.0f s\n", k.label, k.found.Release, k.took.Seconds())
	if k.transcript == nil {
		k.transcript = &transcript{}
	}
	count := routesOf(k.found)
	fmt.Fprintf(w, "operations: %d native, %d emulated, %d unavailable\n", count["native"], count["emulated"], count["unavailable"])
	if len(k.early) > 0 {
		fmt.Fprintf(w, "here earlier than stated: %s\n", strings.Join(k.early, ", "))
	}
	for _, o := range k.outcomes {
		verdict := "ok  "
		if o.Status != 0 {
			verdict = "FAIL"
		}
		fmt.Fprintf(w, "%s %-34s %4d passed %3d skipped %3d failed %7.1f s\n", verdict, o.Name, len(o.Passed), len(o.Skipped), len(o.Failed), o.Seconds)
	}
	k.reportSkips(w)
	for _, o := range k.outcomes {
		if o.Status != 0 {
			fmt.Fprintf(w, "--- output of %s (%s)\n%s\n", o.Name, o.Trouble, tail(strings.Join(failing(o), "\n"), 200))
		}
	}
	for _, p := range k.problems {
		fmt.Fprintf(w, "PROBLEM %s: %s\n", k.label, p)
	}
}

// reportSkips says which tests were skipped, by reason.
func (k *kernel) reportSkips(w io.Writer) {
	reasons := map[string][]string{}
	for _, o := range k.outcomes {
		for name, why := range o.Skipped {
			reasons[why] = append(reasons[why], o.Name+"."+name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		slices.Sort(reasons[why])
		fmt.Fprintf(w, "skipped: %s: %s\n", why, strings.Join(reasons[why], " "))
	}
}

// failing returns the output of o without the lines of tests that passed or were
// skipped, where these can be told.
func failing(o *outcome) (lines []string) {
	quiet := map[string]bool{}
	for _, name := range o.Passed {
		quiet[name] = true
	}
	for name := range o.Skipped {
		quiet[name] = true
	}
	current := ""
	for _, line := range o.Output {
		if m := begins.FindStringSubmatch(line); m != nil {
			current = m[1]
			continue
		}
		if m := ends.FindStringSubmatch(line); m != nil && m[1] != "FAIL" {
			continue
		}
		if line != "" && (!quiet[current] || !says.MatchString(line)) {
			lines = append(lines, line)
		}
	}
	return lines
}
