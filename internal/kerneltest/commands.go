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
	limited       = "locked memory, as a user"
	sysctl        = "kernel/io_uring_disabled"
	sysctlSince   = "6.6"
	nobody        = 65534
	examplesSince = "6.16" // they show everything, and cannot skip themselves
	probeTimeout  = time.Minute
)

// job returns what the guest with that kernel is to do.
func (s *setting) job(k *kernel) (job.Job, error) {
	probe := job.Command{Name: probing, Args: []string{"/init", "probe"}, Dir: "/", Timeout: probeTimeout}
	lock := job.Command{Name: limited, Args: []string{"/init", "memlock"}, Dir: "/", User: nobody, Timeout: probeTimeout}
	commands := []job.Command{probe, lock}
	if atLeast(k.version, sysctlSince) {
		for _, c := range []struct {
			name, value string
			user        uint32
		}{{forbidden, "2", 0}, {forUsers, "1", nobody}, {forRoot, "1", 0}} {
			p := probe
			p.Name, p.Sysctls, p.User = c.name, map[string]string{sysctl: c.value}, c.user
			commands = append(commands, p)
		}
	}
	flags := slices.Concat([]string{"-test.v", "-test.timeout=" + s.limit.String()}, s.flags)
	if !atLeast(k.version, examplesSince) {
		flags = skipping(flags, "^Example")
	}
	env := s.env
	if k.engine != "" {
		env = append(slices.Clone(env), "SLUICE_ENGINE="+k.engine)
	}
	packages, err := s.packages()
	if err != nil {
		return job.Job{}, err
	}
	for _, p := range packages {
		dir := path.Join("/t", p)
		commands = append(commands, job.Command{
			Name: p, Dir: dir, Env: env, Timeout: s.limit + 10*time.Second,
			Args: append([]string{dir + "/test"}, flags...),
		})
	}
	return job.Job{Commands: commands}, nil
}

// skipping returns flags with pattern among those of tests that are left out.
func skipping(flags []string, pattern string) []string {
	const skip = "-test.skip"
	if i := slices.Index(flags, skip); i >= 0 && i+1 < len(flags) {
		flags[i+1] += "|" + pattern
		return flags
	}
	return append(flags, skip+"="+pattern)
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
