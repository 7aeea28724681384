package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// serverVariable makes this program a server: "NAME PORT". It serves until its
// standard input ends, that is until the one who started it has ended too.
const serverVariable = "SLUICE_BENCH_SERVER"

// servers are those that are written in Go.
var servers = map[string]func(port int) error{
	"pinned":  echoPinned,
	"shared":  echoShared,
	"std":     echoStd,
	"gnet":    echoGnet,
	"netpoll": echoNetpoll,
}

// serve is that process.
func serve(order string) error {
	var name string
	var port int
	if _, err := fmt.Sscan(order, &name, &port); err != nil {
		return err
	}
	server := servers[name]
	if server == nil {
		return fmt.Errorf("no server %q", name)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return server(port)
}

// server is a running one.
type server struct {
	cmd  *exec.Cmd
	port int
	stop func() error
}

// goServer returns the command for one of servers.
func goServer(name string) func(port int) (*exec.Cmd, error) {
	return func(port int) (*exec.Cmd, error) {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", serverVariable, name, port))
		return cmd, nil
	}
}

// cServer returns the command for one of the C programs.
func cServer(name string) func(port int) (*exec.Cmd, error) {
	return func(port int) (*exec.Cmd, error) {
		path := filepath.Join("bin", name)
		if _, err := os.Stat(path); err != nil {
			return nil, errMissing
		}
		return exec.Command(path, strconv.Itoa(port)), nil
	}
}

// startServer starts a server that may use one processor only, so that it and the
// load do not take each other's. Who connects has to try until it listens.
func startServer(command func(port int) (*exec.Cmd, error), cpu int) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd, err := command(port)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := onCPU(cpu, cmd.Start); err != nil {
		return nil, err
	}
	stop := sync.OnceValue(func() error {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		return nil
	})
	return &server{cmd, port, stop}, nil
}

// onCPU calls f, which starts a process, while this thread may use one processor
// only: the process inherits that.
func onCPU(cpu int, f func() error) error {
	if cpu < 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	one.Set(cpu)
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }() // it was so before
	return f()
}

// twoCPUs returns a processor for the server and one for the load; -1 for any,
// where there are not two.
func twoCPUs() (server, load int) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() < 2 {
		return -1, -1
	}
	server, load = -1, -1
	for cpu := 0; load < 0; cpu++ {
		switch {
		case !set.IsSet(cpu):
		case server < 0:
			server = cpu
		default:
			load = cpu
		}
	}
	return server, load
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
