package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/sluicego/sluice/ring"
)

const (
	smallFile   = 1000 // bytes in each file
	smallBuffer = 4096 // what each file gets, as in c/smallfiles.c
	smallDepth  = 64   // files under way, as there
)

// smallFiles is a directory of files named by numbers, which is everybody's
// working directory, so that all look up the same short names.
type smallFiles struct {
	dir   string
	names []string
}

// smallfileCases reads small cached files, each as a whole. The C program and
// ours use one thread and the same chains; so does os.ReadFile.
func smallfileCases(o options) ([]comparison, func(), error) {
	dir, err := os.MkdirTemp("", "bench-smallfiles")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() { os.RemoveAll(dir) }
	s := &smallFiles{dir: dir}
	for i := range o.scale(20_000) {
		name := strconv.Itoa(i)
		if err := os.WriteFile(dir+"/"+name, make([]byte, smallFile), 0o600); err != nil {
			cleanUp()
			return nil, nil, err
		}
		s.names = append(s.names, name)
	}
	return []comparison{{
		name:    "cached",
		metrics: rateAndCPU("file"),
		ours:    2,
		sides: []side{
			{"pinned", func() ([]float64, error) { return s.inside(func() ([]float64, error) { return s.byRing(true) }) }},
			{"shared", func() ([]float64, error) { return s.inside(func() ([]float64, error) { return s.byRing(false) }) }},
			{"c", s.byC},
			{"os.ReadFile", func() ([]float64, error) { return s.inside(s.byOS) }},
		},
	}}, cleanUp, nil
}

// inside calls read in the directory of the files.
func (s *smallFiles) inside(read func() ([]float64, error)) ([]float64, error) {
	back, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(s.dir); err != nil {
		return nil, err
	}
	v, err := read()
	return v, errors.Join(err, os.Chdir(back))
}

func (s *smallFiles) byC() ([]float64, error) {
	return program("smallfiles", s.dir, strconv.Itoa(len(s.names)))
}

func (s *smallFiles) byRing(pinned bool) ([]float64, error) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return rateOf(len(s.names), func() error { return s.readAll(r) })
}

func (s *smallFiles) readAll(r *ring.Ring) error {
	seen := make([]bool, len(s.names))
	n := 0
	cfg := ring.ReadFilesConfig{InFlight: smallDepth, Buffer: smallBuffer}
	for file, err := range r.ReadFiles(context.Background(), slices.Values(s.names), cfg) {
		if err != nil {
			return err
		}
		if len(file.Data) != smallFile || seen[file.Index] {
			return fmt.Errorf("file %d: %d bytes, seen before: %t", file.Index, len(file.Data), seen[file.Index])
		}
		seen[file.Index] = true
		n++
	}
	if n != len(s.names) {
		return fmt.Errorf("%d of %d files were read", n, len(s.names))
	}
	return nil
}

func (s *smallFiles) byOS() ([]float64, error) {
	return rateOf(len(s.names), func() error {
		for _, name := range s.names {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if len(data) != smallFile {
				return fmt.Errorf("%s: %d bytes", name, len(data))
			}
		}
		return nil
	})
}
