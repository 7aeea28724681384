package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// kernel is what was found out about one kernel.
type kernel struct {
	label   string // version=engine, or version alone
	version string // as the folder of the kernel has it
	engine  string // that the tests are told to take, or none
	took    time.Duration
	*transcript
	found    job.Capabilities
	problems []string // why it does not pass
	early    []string // operations that it has although it is older than they are
}

func newKernel(label string) *kernel {
	version, engine, _ := strings.Cut(label, "=")
	return &kernel{label: label, version: version, engine: engine}
}

// routesOf counts operations by how they are carried out.
func routesOf(found job.Capabilities) map[string]int {
	count := map[string]int{}
	for _, o := range found.Operations {
		count[o.Route]++
	}
	return count
}

// judge looks whether everything is as it should be.
func (k *kernel) judge() {
	complain := func(format string, args ...any) { k.problems = append(k.problems, fmt.Sprintf(format, args...)) }
	for _, o := range k.outcomes {
		if o.Status != 0 {
			complain("%s: exit status %d %s: %s", o.Name, o.Status, o.Trouble, strings.Join(o.Failed, " "))
			continue
		}
		var err error
		switch o.Name {
		case probing:
			if k.found, err = capabilities(o); err == nil {
				k.compare(complain)
			}
		case limited: // its status says all
		case forRoot:
			_, err = chose(o, "iouring")
		case forbidden, forUsers:
			err = switched(o)
		default:
			if len(o.Passed)+len(o.Skipped) == 0 && !filtered(o) {
				err = errors.New("no test ran")
			}
		}
		if err != nil {
			complain("%s: %v", o.Name, err)
		}
	}
	if k.found.Release == "" {
		complain("nothing is known of its io_uring")
	}
}

// compare holds what the kernel has against what the sources say. An operation
// that a newer kernel lacks is an error in one of the two.
func (k *kernel) compare(complain func(string, ...any)) {
	for _, o := range k.found.Operations {
		switch {
		case o.Since == "":
		case atLeast(k.found.Release, o.Since) && o.Route != "native":
			complain("%s is %s on %s, but is said to be native since %s", o.Name, o.Route, k.found.Release, o.Since)
		case !atLeast(k.found.Release, o.Since) && o.Route == "native":
			k.early = append(k.early, fmt.Sprintf("%s (%s)", o.Name, o.Since))
		}
	}
}

// chose looks which engine a probe was given, and returns the reason.
func chose(o *outcome, engine string) (reason string, err error) {
	found, err := capabilities(o)
	if err == nil && (found.Engine != engine || found.Reason == "") {
		err = fmt.Errorf("the engine is %q, because %q; want %s", found.Engine, found.Reason, engine)
	}
	return found.Reason, err
}

// switched looks whether Auto took the portable engine, for the sysctl, and said so in
// the log.
func switched(o *outcome) error {
	reason, err := chose(o, "portable")
	if err != nil {
		return err
	}
	said := func(line string) bool { return strings.Contains(line, " INFO ") && strings.Contains(line, reason) }
	if !strings.Contains(reason, "kernel.io_uring_disabled") || !slices.ContainsFunc(o.Output, said) {
		return fmt.Errorf("the reason is %q, the log %q: both must name the sysctl", reason, o.Output)
	}
	return nil
}

// capabilities returns what a probe printed.
func capabilities(o *outcome) (found job.Capabilities, err error) {
	for _, line := range o.Output {
		if strings.HasPrefix(line, "{") {
			return found, json.Unmarshal([]byte(line), &found)
		}
	}
	return found, errors.New("it printed nothing")
}

// filtered reports whether the flags left nothing to run.
func filtered(o *outcome) bool {
	for _, line := range o.Output {
		if strings.Contains(line, "no tests to run") {
			return true
		}
	}
	return false
}
