package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// catCases copies a cached file into a pipe that a reader empties, as whole
// programs.
func catCases(o options) ([]comparison, func(), error) {
	dir, err := os.MkdirTemp("", "bench-cat")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() { os.RemoveAll(dir) }
	size := o.scale(1 << 30)
	file, ours := filepath.Join(dir, "data"), filepath.Join(dir, "cat-and-proxy")
	build := exec.Command("go", "build", "-o", ours, "./examples/cat-and-proxy")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		cleanUp()
		return nil, nil, fmt.Errorf("build cat-and-proxy: %w\n%s", err, out)
	}
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		cleanUp()
		return nil, nil, err
	}
	return []comparison{{
		name:    "pipe",
		metrics: []metric{{"", "B/s"}},
		sides: []side{
			{"cat-and-proxy", func() ([]float64, error) { return catInto(size, ours, file) }},
			{"cat", func() ([]float64, error) { return catInto(size, "cat", file) }},
			{"io.Copy", func() ([]float64, error) { return copyInto(size, file) }},
		},
	}}, cleanUp, nil
}

func catInto(size int, name string, args ...string) ([]float64, error) {
	return intoPipe(size, func(w *os.File) error {
		cmd := exec.Command(name, args...)
		cmd.Stdout, cmd.Stderr = w, os.Stderr
		return cmd.Run()
	})
}

func copyInto(size int, name string) ([]float64, error) {
	return intoPipe(size, func(w *os.File) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

// intoPipe measures how fast write fills a pipe whose other end is spliced away.
func intoPipe(size int, write func(w *os.File) error) ([]float64, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	begin := time.Now()
	done := make(chan error, 1)
	go func() {
		err := write(w)
		w.Close()
		done <- err
	}()
	total := 0
	from, to := int(r.Fd()), int(null.Fd())
	for {
		n, err := unix.Splice(from, nil, to, nil, 1<<20, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		total += int(n)
	}
	if err := <-done; err != nil {
		return nil, err
	}
	if total != size {
		return nil, fmt.Errorf("%d of %d bytes arrived", total, size)
	}
	return []float64{float64(size) / time.Since(begin).Seconds()}, nil
}
