package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

const (
	smallFile   = 1000 // bytes in each file
	smallBuffer = 4096 // what each file gets, as in c/smallfiles.c
	smallDepth  = 64   // files under way, as there
	smallPasses = 5    // over the cached files, in one measurement
)

// smallFiles is a directory of files named by numbers, which is everybody's
// working directory, so that all look up the same short names.
type smallFiles struct {
	dir   string
	names []string
}

// smallfileCases reads small files, each as a whole, from the page cache and with
// the data not in it. The C program and ours use one thread and the same chains; so
// does os.ReadFile.
func smallfileCases(o options) ([]comparison, func(), error) {
	s, err := newSmallFiles(o.scale(20_000))
	if err != nil {
		return nil, nil, err
	}
	var all []comparison
	for _, c := range []struct {
		name    string
		prepare func() error
		passes  int
	}{{"cached", s.warm, smallPasses}, {"not-cached", s.forget, 1}} {
		measure := func(read func(passes int) ([]float64, error)) func() ([]float64, error) {
			return func() ([]float64, error) {
				if err := c.prepare(); err != nil {
					return nil, err
				}
				return s.inside(func() ([]float64, error) { return read(c.passes) })
			}
		}
		all = append(all, comparison{
			name:    c.name,
			metrics: rateAndCPU("file"),
			ours:    3,
			sides: []side{
				{"pinned", measure(s.byRing(ring.Config{Pinned: true}))},
				{"shared", measure(s.byRing(ring.Config{}))},
				{"portable", measure(s.byRing(ring.Config{Engine: ring.Portable}))},
				{"c", func() ([]float64, error) {
					if err := c.prepare(); err != nil {
						return nil, err
					}
					return s.byC(c.passes)
				}},
				{"os.ReadFile", measure(s.byOS)},
			},
		})
	}
	return all, s.remove, nil
}

func newSmallFiles(n int) (*smallFiles, error) {
	dir, err := os.MkdirTemp("", "bench-smallfiles")
	if err != nil {
		return nil, err
	}
	s := &smallFiles{dir: dir}
	for i := range n {
		name := strconv.Itoa(i)
		if err := os.WriteFile(dir+"/"+name, make([]byte, smallFile), 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		s.names = append(s.names, name)
	}
	unix.Sync() // what is dirty cannot be dropped
	return s, nil
}

func (s *smallFiles) remove() { os.RemoveAll(s.dir) }

// warm has all files in the page cache.
func (s *smallFiles) warm() error {
	for _, name := range s.names {
		if _, err := os.ReadFile(s.dir + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// forget drops the data of all files from the page cache; names and inodes stay. It
// needs no privilege, as the drop_caches of the whole system does.
func (s *smallFiles) forget() error {
	for _, name := range s.names {
		f, err := os.Open(s.dir + "/" + name)
		if err != nil {
			return err
		}
		err = errors.Join(unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
		if err != nil {
			return err
		}
	}
	return s.forgotten()
}

// forgotten looks whether the kernel did as advised, which tmpfs does not, say.
func (s *smallFiles) forgotten() error {
	f, err := os.Open(s.dir + "/" + s.names[0])
	if err != nil {
		return err
	}
	defer f.Close()
	iov := [][]byte{make([]byte, smallFile)}
	n, err := unix.Preadv2(int(f.Fd()), iov, 0, unix.RWF_NOWAIT)
	if n > 0 {
		return fmt.Errorf("%w: files stay in the cache of this file system", errMissing)
	}
	if err != unix.EAGAIN {
		return fmt.Errorf("%w: what is in the cache cannot be told: %w", errMissing, err)
	}
	return nil
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

func (s *smallFiles) byC(passes int) ([]float64, error) {
	return program("smallfiles", s.dir, strconv.Itoa(len(s.names)), strconv.Itoa(passes))
}

func (s *smallFiles) byRing(cfg ring.Config) func(passes int) ([]float64, error) {
	return func(passes int) ([]float64, error) {
		r, err := ring.New(cfg)
		if cfg.Engine == ring.Portable && errors.Is(err, ops.ErrNotSupported) {
			return nil, fmt.Errorf("%w: %w", errMissing, err)
		}
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return rateOf(passes*len(s.names), func() error {
			for range passes {
				if err := s.readAll(r); err != nil {
					return err
				}
			}
			return nil
		})
	}
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

func (s *smallFiles) byOS(passes int) ([]float64, error) {
	return rateOf(passes*len(s.names), func() error {
		for range passes {
			for _, name := range s.names {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				if len(data) != smallFile {
					return fmt.Errorf("%s: %d bytes", name, len(data))
				}
			}
		}
		return nil
	})
}
