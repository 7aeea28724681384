package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// summary is what the table of all kernels says of one. It is kept in a file, since
// the kernels need not be run at once.
type summary struct {
	Label   string
	Found   job.Capabilities
	Passed  int
	Skipped map[string]string // by name of the test: why
}

func (k *kernel) summary() *summary {
	s := &summary{Label: k.label, Found: k.found, Skipped: map[string]string{}}
	for _, o := range k.outcomes {
		s.Passed += len(o.Passed)
		for test, why := range o.Skipped {
			s.Skipped[o.Name+"."+test] = why
		}
	}
	return s
}

func summaryFile(dir, label string) string { return filepath.Join(dir, label+".json") }

// save keeps s below dir.
func (s *summary) save(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(summaryFile(dir, s.Label), text, 0o644)
}

// load returns what was kept of the kernels of these labels.
func load(dir string, labels []string) (all []*summary, err error) {
	for _, label := range labels {
		text, err := os.ReadFile(summaryFile(dir, label))
		if err != nil {
			return nil, err
		}
		s := &summary{}
		if err := json.Unmarshal(text, s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
