package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mounts is what a program expects to find.
var mounts = []struct {
	source, target, kind, data string
	flags                      uintptr
}{
	{"proc", "/proc", "proc", "", 0},
	{"sys", "/sys", "sysfs", "", 0},
	{"dev", "/dev", "devtmpfs", "", 0},
	{"pts", "/dev/pts", "devpts", "ptmxmode=666", 0},
	{"shm", "/dev/shm", "tmpfs", "", 0},
	{"cgroup", "/sys/fs/cgroup", "cgroup2", "", 0},
	// A file system on a device, for O_DIRECT and extended attributes.
	{"/dev/nvme0n1", "/tmp", "ext4", "", 0},
}

func mountAll() error {
	for _, m := range mounts {
		_ = os.MkdirAll(m.target, 0o755) // some are there; mount says if one is not
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
		}
	}
	return nil
}

// settle does what else the start of a system does.
func settle() error {
	if err := os.Chmod("/tmp", 0o1777); err != nil {
		return err
	}
	for link, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
		"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, link); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if err := unix.Sethostname([]byte("guest")); err != nil {
		return fmt.Errorf("sethostname: %w", err)
	}
	// As system managers set it.
	files := unix.Rlimit{Cur: 20_000, Max: 20_000}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("setrlimit: %w", err)
	}
	return loopbackUp()
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer func() { _ = unix.Close(s) }() // nothing was written to it
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("setting lo up: %w", err)
	}
	return nil
}

// openPort opens a serial port for what comes from programs, unaltered.
func openPort(path string) (*os.File, error) {
	// Not through os.OpenFile: in Go's poller a port that cannot take more would
	// be an error for the commands that inherit it.
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	modes, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("tcgetattr %s: %w", path, err)
	}
	modes.Oflag &^= unix.OPOST
	modes.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, modes); err != nil {
		return nil, fmt.Errorf("tcsetattr %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// drain waits until the port has sent everything: tcdrain(3).
func drain(port *os.File) { _ = unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1) }
