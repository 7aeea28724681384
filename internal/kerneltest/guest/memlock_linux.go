package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// memlock asks, as a user, for more memory than RLIMIT_MEMLOCK allows, in rings and
// in registered buffers, and returns the exit status. Kernels count different parts
// of it, or none; where one refuses, the error must name the limit (trap 40).
func memlock() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil || os.Getuid() == 0 || limit.Cur > 1<<26 {
		fmt.Fprintln(os.Stderr, "guest memlock: to be run as a user with such a limit:", limit.Cur, err)
		return 2
	}
	status := 0
	for what, try := range map[string]func() error{
		"ring": func() error { return entries(ring.MaxEntries) },
		"pool": func() error { return registered(int(limit.Cur) + 1<<20) },
	} {
		err := try()
		fmt.Printf("RLIMIT_MEMLOCK %d, %s: %v\n", limit.Cur, what, err)
		switch {
		case err == nil, errors.Is(err, ops.ErrNotSupported):
		case !errors.Is(err, syscall.ENOMEM), !strings.Contains(err.Error(), "RLIMIT_MEMLOCK"):
			status = 1
		}
	}
	return status
}

func entries(n int) error {
	r, err := ring.New(ring.Config{Engine: ring.IOURing, Entries: n})
	if err != nil {
		return err
	}
	return r.Close()
}

func registered(size int) error {
	r, err := ring.New(ring.Config{Engine: ring.IOURing})
	if err != nil {
		return err
	}
	p, err := r.NewBufferPool(ring.PoolConfig{Region: size})
	if err == nil {
		var b ops.Fixed
		if b, err = p.Get(1); err == nil {
			b.Release()
		}
		err = errors.Join(err, p.Close())
	}
	return errors.Join(err, r.Close())
}
