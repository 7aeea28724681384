package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// doCases reads 4 KiB of a cached file, alone, as a goroutine would.
func doCases(o options) ([]comparison, func(), error) {
	f, err := os.CreateTemp("", "bench-do")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() {
		f.Close()
		os.Remove(f.Name())
	}
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		cleanUp()
		return nil, nil, err
	}
	n := o.scale(500_000)
	return []comparison{{
		name:    "read-4k",
		metrics: wallAndCPU,
		sides: []side{
			{"do", func() ([]float64, error) { return readByDo(f, n) }},
			{"os.ReadAt", func() ([]float64, error) { return readByOS(f, n) }},
		},
	}}, cleanUp, nil
}

func readByDo(f *os.File, n int) ([]float64, error) {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	buf := make([]byte, 4096)
	fd := int(f.Fd())
	return perOp(n, func() error {
		for i := range n {
			c, err := r.Do(context.Background(), ops.Read(fd, buf, int64(i&255)<<12))
			if err != nil {
				return err
			}
			if c.N() != len(buf) {
				return fmt.Errorf("read %d bytes", c.N())
			}
		}
		return nil
	})
}

func readByOS(f *os.File, n int) ([]float64, error) {
	buf := make([]byte, 4096)
	return perOp(n, func() error {
		for i := range n {
			if _, err := f.ReadAt(buf, int64(i&255)<<12); err != nil {
				return err
			}
		}
		return nil
	})
}
