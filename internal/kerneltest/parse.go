package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// outcome is what came out of one command.
type outcome struct {
	job.End
	Output         []string          `json:",omitempty"` // its lines
	Passed, Failed []string          // tests that have no tests below them
	Skipped        map[string]string // such tests, and why
}

// transcript is what came out of one guest.
type transcript struct {
	outcomes []*outcome
	fail     string // why the guest gave up
	running  string // the command that was not seen to end
	done     bool
}

// read takes a transcript apart.
func read(from io.Reader) (*transcript, error) {
	t := &transcript{}
	var lines []string
	in := bufio.NewScanner(from)
	in.Buffer(nil, 1<<24)
	for in.Scan() {
		line := strings.TrimRight(in.Text(), "\r")
		text, isEvent := strings.CutPrefix(line, job.Mark)
		if !isEvent {
			lines = append(lines, line)
			continue
		}
		var e job.Event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		switch {
		case e.Start != "":
			t.running = e.Start
		case e.End != nil:
			o := &outcome{End: *e.End, Output: lines}
			o.count()
			t.outcomes, t.running = append(t.outcomes, o), ""
		case e.Fail != "":
			t.fail = e.Fail
		}
		t.done = t.done || e.Done
		lines = nil
	}
	if t.running != "" {
		o := &outcome{End: job.End{Name: t.running, Status: -1, Trouble: "the machine ended first"}, Output: lines}
		o.count()
		t.outcomes = append(t.outcomes, o)
	}
	return t, in.Err()
}

var (
	begins = regexp.MustCompile(`^=== (?:RUN|CONT|NAME) +(\S+)`)
	says   = regexp.MustCompile(`^ +\w+_test\.go:\d+: (.*)`)
	ends   = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \(`)
)

// count finds the tests in the output of go test -v.
func (o *outcome) count() {
	said := map[string]string{} // by test: the last that it said
	verdict := map[string]string{}
	current := ""
	var order []string
	for _, line := range o.Output {
		if m := begins.FindStringSubmatch(line); m != nil {
			current = m[1]
		} else if m := says.FindStringSubmatch(line); m != nil {
			said[current] = m[1]
		} else if m := ends.FindStringSubmatch(line); m != nil {
			if verdict[m[2]] == "" {
				order = append(order, m[2])
			}
			verdict[m[2]] = m[1]
		}
	}
	parents := map[string]bool{}
	for name := range verdict {
		for cut := strings.LastIndexByte(name, '/'); cut >= 0; cut = strings.LastIndexByte(name, '/') {
			name = name[:cut]
			parents[name] = true
		}
	}
	o.Skipped = map[string]string{}
	for _, name := range order {
		switch {
		case verdict[name] == "SKIP":
			o.Skipped[name] = said[name]
		case parents[name]:
		case verdict[name] == "PASS":
			o.Passed = append(o.Passed, name)
		default:
			o.Failed = append(o.Failed, name)
		}
	}
}
