package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

const (
	smallFile   = 1000 // bytes in each file
	smallBuffer = 4096 // what each file gets, as in c/smallfiles.c
	smallDepth  = 64   // files under way, as there
	smallCPUs   = 2    // what the sides called two-… use
)

// smallFiles is a directory of files named by numbers, which is everybody's
// working directory, so that all look up the same short names.
type smallFiles struct {
	dir   string
	first int      // the number of the first
	names []string // in order
}

// smallfileCases reads small files, each as a whole, from the page cache and with
// the data not in it. The C program and ours use one thread and the same chains; so
// does os.ReadFile. Those called two-… use two: ReadFilesConfig.Parallel, two C programs
// with half of the files each, and os.ReadFile in two goroutines.
func smallfileCases(o options) ([]comparison, func(), error) {
	s, err := newSmallFiles(o.scale(20_000))
	if err != nil {
		return nil, nil, err
	}
	var all []comparison
	for _, c := range []struct {
		name    string
		turns   int
		parts   int // of which each turn reads one
		prepare func(*smallFiles) error
	}{
		{"cached", 5, 1, func(*smallFiles) error { return nil }}, // warm is called before
		{"not-cached", 4, 4, (*smallFiles).forget},
	} {
		sides := s.inTurns(c.turns, c.parts, c.prepare)
		all = append(all, comparison{name: c.name, metrics: rateAndCPU("file"), ours: 5, sides: sides})
	}
	return all, s.remove, nil
}

// inTurns returns sides that read in short turns, since what the device does in a
// second changes within seconds.
func (s *smallFiles) inTurns(count, parts int, prepare func(*smallFiles) error) (sides []side) {
	t := &turns{count: count}
	each := []struct {
		name string
		read func(*smallFiles) ([]float64, error)
	}{
		{"two-pinned", inside(byRing(ring.Config{Pinned: true}, smallCPUs))},
		{"two-shared", inside(byRing(ring.Config{}, smallCPUs))},
		{"pinned", inside(byRing(ring.Config{Pinned: true}, 1))},
		{"shared", inside(byRing(ring.Config{}, 1))},
		{"portable", inside(byRing(ring.Config{Engine: ring.Portable}, 1))},
		{"c", byC(1)},
		{"two-c", byC(smallCPUs)},
		{"os.ReadFile", inside(byOS(1))},
		{"two-os.ReadFile", inside(byOS(smallCPUs))},
	}
	t.open = func() (runs []func() ([]float64, error), cleanUp func() error, err error) {
		for _, e := range each {
			turn := 0
			runs = append(runs, inverse(func() ([]float64, error) {
				some := s.part(turn%parts, parts)
				turn++
				if err := prepare(some); err != nil {
					return nil, err
				}
				runtime.GC() // what others left behind is not this side's
				return e.read(some)
			}))
		}
		return runs, func() error { return nil }, s.warm()
	}
	for i, e := range each {
		sides = append(sides, side{e.name, inverse(t.side(i))})
	}
	return sides
}

// part returns a part of the files.
func (s *smallFiles) part(i, parts int) *smallFiles {
	from, to := i*len(s.names)/parts, (i+1)*len(s.names)/parts
	return &smallFiles{dir: s.dir, first: s.first + from, names: s.names[from:to]}
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
func inside(read func(*smallFiles) ([]float64, error)) func(*smallFiles) ([]float64, error) {
	return func(s *smallFiles) ([]float64, error) {
		back, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		if err := os.Chdir(s.dir); err != nil {
			return nil, err
		}
		v, err := read(s)
		return v, errors.Join(err, os.Chdir(back))
	}
}

// byC runs as many programs at a time as there are to be parts, and adds their rates.
func byC(parts int) func(*smallFiles) ([]float64, error) {
	return func(s *smallFiles) ([]float64, error) {
		all := make([][]float64, parts)
		err := inParts(parts, func(i int) (err error) {
			p := s.part(i, parts)
			all[i], err = program("smallfiles", s.dir, strconv.Itoa(len(p.names)), "1", strconv.Itoa(p.first))
			return err
		})
		if err != nil {
			return nil, err
		}
		sum := []float64{0, 0}
		for _, v := range all {
			sum[0] += v[0]
			sum[1] += v[1] / float64(parts)
		}
		return sum, nil
	}
}

// inParts calls f for each part, all at a time.
func inParts(parts int, f func(part int) error) error {
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for part := range parts {
		wg.Go(func() { errs[part] = f(part) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func byRing(cfg ring.Config, parallel int) func(*smallFiles) ([]float64, error) {
	return func(s *smallFiles) ([]float64, error) {
		r, err := ring.New(cfg)
		if cfg.Engine == ring.Portable && errors.Is(err, ops.ErrNotSupported) {
			return nil, fmt.Errorf("%w: %w", errMissing, err)
		}
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return rateOf(len(s.names), func() error { return s.readAll(r, parallel) })
	}
}

func (s *smallFiles) readAll(r *ring.Ring, parallel int) error {
	seen := make([]bool, len(s.names))
	n := 0
	cfg := ring.ReadFilesConfig{InFlight: smallDepth, Buffer: smallBuffer, Parallel: parallel}
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

func byOS(parts int) func(*smallFiles) ([]float64, error) {
	return func(s *smallFiles) ([]float64, error) {
		return rateOf(len(s.names), func() error {
			return inParts(parts, func(i int) error { return s.part(i, parts).readEach() })
		})
	}
}

func (s *smallFiles) readEach() error {
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
}
