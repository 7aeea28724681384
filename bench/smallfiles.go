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
	var all []comparison
	for _, mode := range []struct {
		name   string
		pinned bool
	}{{"pinned", true}, {"shared", false}} {
		ours := func(c clock) (float64, error) { return s.byRing(c, mode.pinned) }
		all = append(all, comparison{
			name: mode.name,
			unit: "file/s",
			sides: []side{
				{mode.name, func() (float64, error) { return s.rate(ours) }},
				{"c", func() (float64, error) { return s.byC("rate") }},
				{"os.ReadFile", func() (float64, error) { return s.rate(s.byOS) }},
			},
		}, comparison{
			name: mode.name + "-cpu",
			unit: "cpu-ns/file",
			sides: []side{
				{mode.name, func() (float64, error) { return s.inside(cpuClock, ours) }},
				{"c", func() (float64, error) { return s.byC("cpu") }},
				{"os.ReadFile", func() (float64, error) { return s.inside(cpuClock, s.byOS) }},
			},
		})
	}
	return all, cleanUp, nil
}

// rate returns how many files a second read gets through.
func (s *smallFiles) rate(read func(clock) (float64, error)) (float64, error) {
	ns, err := s.inside(wallClock, read)
	return 1e9 / ns, err
}

// inside calls read in the directory of the files.
func (s *smallFiles) inside(c clock, read func(clock) (float64, error)) (float64, error) {
	back, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	if err := os.Chdir(s.dir); err != nil {
		return 0, err
	}
	ns, err := read(c)
	return ns, errors.Join(err, os.Chdir(back))
}

func (s *smallFiles) byC(what string) (float64, error) {
	return program("smallfiles", s.dir, strconv.Itoa(len(s.names)), what)
}

func (s *smallFiles) byRing(c clock, pinned bool) (float64, error) {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return c.perOp(len(s.names), func() error { return s.readAll(r) })
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

func (s *smallFiles) byOS(c clock) (float64, error) {
	return c.perOp(len(s.names), func() error {
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
