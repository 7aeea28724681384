package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

var environment = []string{"PATH=/bin:/sbin:/usr/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8", "GOTRACEBACK=all"}

// execute runs c with its output on port.
func execute(c *job.Command, port *os.File) *job.End {
	end := &job.End{Name: c.Name, Status: -1}
	restore, err := setSysctls(c.Sysctls)
	defer restore()
	if err != nil {
		end.Trouble = err.Error()
		return end
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(append([]string(nil), environment...), c.Env...)
	cmd.Stdout, cmd.Stderr = port, port
	// A group of its own is what can be killed as a whole.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.User != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.User, Gid: c.User}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	start := time.Now()
	err = cmd.Run()
	end.Seconds = time.Since(start).Seconds()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind; mostly nothing
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		end.Trouble = fmt.Sprintf("did not end within %v", c.Timeout)
	case err == nil:
		end.Status = 0
	case errors.As(err, &exit) && exit.Exited():
		end.Status = exit.ExitCode()
	default:
		end.Trouble = err.Error()
	}
	return end
}

// setSysctls sets them, and returns what sets them back.
func setSysctls(values map[string]string) (restore func(), err error) {
	before := map[string][]byte{}
	restore = func() {
		for file, value := range before {
			_ = os.WriteFile(file, value, 0) // it was there
		}
	}
	for name, value := range values {
		file := filepath.Join("/proc/sys", name)
		if before[file], err = os.ReadFile(file); err != nil {
			delete(before, file)
			return restore, err
		}
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return restore, err
		}
	}
	return restore, nil
}
