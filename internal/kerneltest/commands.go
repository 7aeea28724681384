package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// The commands that are no test binaries.
const (
	probing       = "probe"
	forbidden     = "probe, io_uring_disabled=2"
	forUsers      = "probe as a user, io_uring_disabled=1"
	forRoot       = "probe as root, io_uring_disabled=1"
	sysctl        = "kernel/io_uring_disabled"
	sysctlSince   = "6.6"
	nobody        = 65534
	examplesSince = "6.16" // they show everything, and cannot skip themselves
	probeTimeout  = time.Minute
)

// job returns what the guest with the kernel of that label is to do.
func (s *setting) job(label string) (job.Job, error) {
	probe := job.Command{Name: probing, Args: []string{"/init", "probe"}, Dir: "/", Timeout: probeTimeout}
	commands := []job.Command{probe}
	if atLeast(label, sysctlSince) {
		for _, c := range []struct {
			name, value string
			user        uint32
		}{{forbidden, "2", 0}, {forUsers, "1", nobody}, {forRoot, "1", 0}} {
			p := probe
			p.Name, p.Sysctls, p.User = c.name, map[string]string{sysctl: c.value}, c.user
			commands = append(commands, p)
		}
	}
	flags := []string{"-test.v", "-test.timeout=" + s.limit.String()}
	if !atLeast(label, examplesSince) {
		flags = append(flags, "-test.skip=^Example")
	}
	packages, err := s.packages()
	if err != nil {
		return job.Job{}, err
	}
	for _, p := range packages {
		dir := path.Join("/t", p)
		commands = append(commands, job.Command{
			Name: p, Dir: dir, Env: s.env, Timeout: s.limit + 10*time.Second,
			Args: slices.Concat([]string{dir + "/test"}, flags, s.flags),
		})
	}
	return job.Job{Commands: commands}, nil
}

// packages returns the folders of the test binaries in the tree.
func (s *setting) packages() (names []string, err error) {
	top := os.DirFS(filepath.Join(s.tree, "t"))
	err = fs.WalkDir(top, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "test" && d.Type().IsRegular() {
			names = append(names, path.Dir(name))
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // only the probes
	}
	return names, err
}
