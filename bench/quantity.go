package main

import (
	"fmt"
	"strings"
)

// quantity returns a value of a metric for people to read: three digits, and a
// prefix.
func quantity(v float64, unit string) string {
	steps := []string{"", " k", " M", " G"}
	switch {
	case isTime(unit):
		steps = []string{" ns", " µs", " ms", " s"}
	case unit == "B/s" || unit == "B":
		steps = []string{" B", " kB", " MB", " GB"}
	}
	i := 0
	for ; v >= 999.5 && i < len(steps)-1; i++ {
		v /= 1000
	}
	return threeDigits(v) + steps[i]
}

// tickLabel is quantity for round numbers.
func tickLabel(v float64, unit string) string {
	number, prefix, spaced := strings.Cut(quantity(v, unit), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	if number == "0" || !spaced {
		return number
	}
	return number + " " + prefix
}

func threeDigits(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.995:
		return fmt.Sprintf("%.3f", v)
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func isTime(unit string) bool {
	return unit == "ns" || unit == "cpu-ns" || strings.HasPrefix(unit, "cpu-ns/")
}

// isRate tells whether more of a unit is better.
func isRate(unit string) bool {
	return strings.HasSuffix(unit, "/s") || strings.HasSuffix(unit, "/cpu-s")
}

// inWords returns a unit for a heading.
func inWords(unit string) string {
	words := unit
	if of, ok := strings.CutPrefix(unit, "cpu-ns/"); ok {
		words = "processor time per " + of
	} else if of, ok := strings.CutSuffix(unit, "/cpu-s"); ok {
		words = of + "s per second of processor time"
	} else if of, ok := strings.CutSuffix(unit, "/s"); ok && of != "B" {
		words = of + "s per second"
	} else if short, ok := map[string]string{
		"ns": "time", "cpu-ns": "processor time", "B/s": "bytes per second", "B": "bytes",
	}[unit]; ok {
		words = short
	}
	if isRate(unit) {
		return words + ": more is better"
	}
	return words + ": less is better"
}
