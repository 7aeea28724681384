package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Measures of a plot, in pixels.
const (
	plotWidth  = 760
	plotLeft   = 170 // where the axis begins: names are to the left
	plotRight  = 560 // where it ends: values are to the right
	plotMargin = 16
	rowHeight  = 18
)

// plotStyle has colours for light and dark pages, which a browser tells apart also
// for a picture inside one. No variables: not every renderer knows them.
const plotStyle = `
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.page { fill: #ffffff } .head { font-size: 15px; font-weight: 600 } .case { font-weight: 600 }
.quiet { fill: #59636e; font-size: 11px } .right { text-anchor: end } .mid { text-anchor: middle }
.grid { stroke: #d8dee4 } .row { stroke-width: 3; stroke-linecap: round; stroke-opacity: 0.55 }
.ours { stroke: #0969da; fill: #0969da } .peer { stroke: #818b98; fill: #818b98 }
.goal { stroke: #bc4c00; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .page { fill: #0d1117 } .quiet { fill: #9198a1 } .grid { stroke: #30363d }
.ours { stroke: #58a6ff; fill: #58a6ff } .peer { stroke: #8b949e; fill: #8b949e } .goal { stroke: #f0883e } }
`

// plot draws what was kept of each benchmark, and writes the table of targets.
func plot() error {
	results := map[string][]result{}
	for _, b := range benchmarks {
		all, err := load(b.name)
		if err != nil {
			return err
		}
		if results[b.name] = all; len(all) == 0 {
			continue
		}
		d := drawing{results: all}
		d.draw(b)
		if err := os.MkdirAll("../doc/bench", 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("../doc/bench", b.name+".svg"), d.finish(b), 0o644); err != nil {
			return err
		}
	}
	return replaceBetween("../doc/performance.md", "<!-- targets -->\n", "<!-- end of targets -->\n", targetTable(results))
}

// replaceBetween puts text between two lines of a file.
func replaceBetween(path, begin, end, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(old, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q to write between", path, begin, end)
	}
	return os.WriteFile(path, slices.Concat(head, []byte(begin), []byte(text), []byte(end), tail), 0o644)
}

// drawing is a plot that grows downwards.
type drawing struct {
	results []result
	body    bytes.Buffer
	y       int
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.body, format+"\n", args...) }

func (d *drawing) text(x, y int, class, s string) {
	var safe strings.Builder
	_ = xml.EscapeText(&safe, []byte(s)) // a Builder takes everything
	d.add(`<text x="%d" y="%d" class="%s">%s</text>`, x, y, class, safe.String())
}

// draw adds a panel for each unit.
func (d *drawing) draw(b benchmark) {
	d.y = plotMargin + 14
	d.text(plotMargin, d.y, "head", "bench/run "+b.name)
	d.y += 18
	last := d.results[len(d.results)-1]
	d.text(plotMargin, d.y, "quiet", fmt.Sprintf("%s, %s, %s; each line from the least to the most, a dot at the median", last.when[:10], last.kernel, last.machine))
	d.y += 8
	var units []string
	for _, r := range d.results {
		if !slices.Contains(units, r.unit) {
			units = append(units, r.unit)
		}
	}
	for _, unit := range units {
		var rows []result
		for _, r := range d.results {
			if r.unit == unit {
				rows = append(rows, r)
			}
		}
		d.panel(unit, byCase(rows))
	}
	d.legend()
}

// byCase puts the rows of each case together, ours before others: sides that were added
// later come last in the files.
func byCase(rows []result) []result {
	var names []string
	for _, r := range rows {
		if !slices.Contains(names, r.name()) {
			names = append(names, r.name())
		}
	}
	slices.SortStableFunc(rows, func(a, b result) int {
		if a.name() != b.name() {
			return slices.Index(names, a.name()) - slices.Index(names, b.name())
		}
		if a.ours == b.ours {
			return 0
		}
		if a.ours {
			return -1
		}
		return 1
	})
	return rows
}

// panel draws the rows of one unit on an axis of their own.
func (d *drawing) panel(unit string, rows []result) {
	a := newAxis(rows)
	d.y += 26
	d.text(plotMargin, d.y, "case", inWords(unit))
	d.y += rowHeight
	for _, v := range a.ticks() {
		d.text(a.at(v), d.y, "quiet mid", tickLabel(v, unit))
		d.add(`<path class="grid" d="M%d.5 %dv%d"/>`, a.at(v), d.y+5, panelHeight(rows))
	}
	kase, several := "", false
	for _, r := range rows {
		several = several || r.metric != rows[0].metric
	}
	d.y -= 4
	for _, r := range rows {
		label := r.kase
		if several {
			label = strings.TrimPrefix(r.name(), r.benchmark+"/")
		}
		if label != kase {
			kase = label
			d.y += rowHeight
			d.text(plotMargin, d.y, "quiet", kase)
		}
		d.y += rowHeight
		d.row(a, r)
	}
	d.y += 8
}

// panelHeight returns how far the rows reach, with a heading for each case.
func panelHeight(rows []result) int {
	cases := map[string]bool{}
	for _, r := range rows {
		cases[r.name()] = true
	}
	return (len(rows)+len(cases))*rowHeight - 2
}

// row draws a series, and the targets that it has.
func (d *drawing) row(a axis, r result) {
	class := "peer"
	if r.ours {
		class = "ours"
	}
	low, mid, high := slices.Min(r.samples), median(r.samples), slices.Max(r.samples)
	d.text(plotLeft-8, d.y, "right", r.side)
	y := d.y - 4
	d.add(`<path class="row %s" d="M%d %dH%d"/>`, class, a.at(low), y, a.at(high))
	d.add(`<circle class="%s" cx="%d" cy="%d" r="3.5"/>`, class, a.at(mid), y)
	d.text(plotRight+12, d.y, "", quantity(mid, r.unit))
	d.text(plotWidth-plotMargin, d.y, "quiet right", quantity(low, r.unit)+" – "+quantity(high, r.unit))
	for _, t := range targets {
		if t.name != r.name() || t.ours != r.side {
			continue
		}
		if v, ok := t.value(d.results); ok && v <= a.high {
			// The hook points to where the row should be.
			hook := -5
			if t.atLeast {
				hook = 5
			}
			d.add(`<path class="goal" d="M%d %dh%dv12h%d"/>`, a.at(v)+hook, y-6, -hook, hook)
		}
	}
}

func (d *drawing) legend() {
	d.y += 18
	d.add(`<circle class="ours" cx="%d" cy="%d" r="3.5"/>`, plotMargin+4, d.y-4)
	d.text(plotMargin+14, d.y, "quiet", "sluice")
	d.add(`<circle class="peer" cx="%d" cy="%d" r="3.5"/>`, plotMargin+64, d.y-4)
	d.text(plotMargin+74, d.y, "quiet", "others")
	d.add(`<path class="goal" d="M%d %dh-5v12h5"/>`, plotMargin+129, d.y-10)
	d.text(plotMargin+140, d.y, "quiet", "target for the row, open towards what meets it")
}

func (d *drawing) finish(b benchmark) []byte {
	height := d.y + plotMargin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&out, "<title>%s</title>\n<style>%s</style>\n<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n", b.about, plotStyle)
	out.Write(d.body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// axis maps values to pixels: from 0, or logarithmically where values differ much.
type axis struct {
	low, high float64
	log       bool
}

func newAxis(rows []result) axis {
	a := axis{low: math.Inf(1)}
	for _, r := range rows {
		a.low = min(a.low, slices.Min(r.samples))
		a.high = max(a.high, slices.Max(r.samples))
	}
	if a.low > 0 && a.high/a.low > 40 {
		a.log = true
		a.low, a.high = math.Pow(10, math.Floor(math.Log10(a.low))), a.high*1.05
		return a
	}
	if a.low, a.high = 0, a.high*1.02; a.high == 0 {
		a.high = 1
	}
	return a
}

func (a axis) at(v float64) int {
	share := (v - a.low) / (a.high - a.low)
	if a.log {
		share = math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return plotLeft + int(math.Round(share*(plotRight-plotLeft)))
}

// ticks returns where grid lines are: round numbers.
func (a axis) ticks() (at []float64) {
	if a.log {
		for v := a.low; v <= a.high; v *= 10 {
			at = append(at, v)
		}
		return at
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high)))
	for _, finer := range []float64{2, 2.5, 2} { // 1, 0.5, 0.2, 0.1
		if a.high/step >= 3 {
			break
		}
		step /= finer
	}
	for v := 0.0; v <= a.high; v += step {
		at = append(at, v)
	}
	return at
}
