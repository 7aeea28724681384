package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// machine is a virtual machine: what it boots, and where its output goes.
type machine struct {
	kernel  string   // the file of the kernel
	archive []string // files that make up its first file system
	disk    string   // a file with a file system on it, which stays as it is
	dir     string   // an existing folder for console, results and archive
	limit   time.Duration
}

// results is the file with what the guest said on its second serial port.
func (m *machine) results() string { return filepath.Join(m.dir, "results") }

// console is the file with what the kernel said.
func (m *machine) console() string { return filepath.Join(m.dir, "console") }

// boot runs the machine until it switches itself off, or past its limit. That
// qemu ends well says nothing about the guest, which may have panicked.
func (m *machine) boot(ctx context.Context) error {
	initrd := filepath.Join(m.dir, "initrd")
	if err := concatenate(initrd, m.archive); err != nil {
		return err
	}
	defer func() { _ = os.Remove(initrd) }() // it is large
	for _, file := range []string{m.results(), m.console()} {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		// By name: a kvm device may exist and hang these kernels. Time is the host's: with
		// -icount, which counts instructions instead, 5.10 hangs when its second processor
		// starts, and without sleeping the guest's clock runs away while it waits for the disk.
		"-accel", "tcg,thread=single", "-cpu", "max", "-M", "pc,hpet=off", "-smp", "2", "-m", "1536",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-drive", "file="+m.disk+",format=raw,if=none,id=disk,snapshot=on", "-device", "nvme,drive=disk,serial=disk",
		"-serial", "file:"+m.console(), "-serial", "file:"+m.results(),
		"-kernel", m.kernel, "-initrd", initrd,
		"-append", "console=ttyS0,115200 quiet loglevel=4 panic=-1 oops=panic mitigations=off nokaslr "+
			"tsc=reliable no_timer_check rdinit=/init")
	out, err := cmd.CombinedOutput()
	switch ctx.Err() {
	case context.Canceled:
		return ctx.Err()
	case context.DeadlineExceeded:
		return fmt.Errorf("the machine did not switch itself off within %v", m.limit)
	}
	if err != nil {
		return fmt.Errorf("qemu: %w\n%s", err, out)
	}
	return nil
}

// concatenate writes the contents of parts to file.
func concatenate(file string, parts []string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the second time it does nothing
	for _, part := range parts {
		in, err := os.Open(part)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		_ = in.Close() // it was only read
		if err != nil {
			return err
		}
	}
	return f.Close()
}
