package main

import (
	"encoding/json"
	"errors"
	"io/fs"
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

	portable *summary // of its run on the portable engine, if there is one
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

// save keeps s below dir. If no tests ran, what is known of them stays.
func (s *summary) save(dir string) error {
	if before, err := loadOne(dir, s.Label); err == nil && s.Passed == 0 {
		s.Passed, s.Skipped = before.Passed, before.Skipped
	}
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
		s, err := loadOne(dir, label)
		if err != nil {
			return nil, err
		}
		if s.portable, err = loadOne(dir, label+"=portable"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func loadOne(dir, label string) (*summary, error) {
	text, err := os.ReadFile(summaryFile(dir, label))
	if err != nil {
		return nil, err
	}
	s := &summary{}
	return s, json.Unmarshal(text, s)
}
