package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// serverVariable makes this program a server: "NAME PORT [TARGET]". It serves until its
// standard input ends, that is until the one who started it has ended too.
const serverVariable = "SLUICE_BENCH_SERVER"

// servers are those that are written in Go.
var servers = map[string]func(port int, target string) error{
	"pinned":     echoes(echoPinned),
	"pinned-one": echoes(echoPinnedOne),
	"shared":     echoes(echoShared),
	"portable":   echoes(echoPortable),
	"std":        echoes(echoStd),
	"gnet":       echoes(echoGnet),
	"netpoll":    echoes(echoNetpoll),
	"io.Copy":    proxyCopy,
}

// echoes makes a server of one that passes nothing on.
func echoes(serve func(port int) error) func(int, string) error {
	return func(port int, _ string) error { return serve(port) }
}

// serve is that process.
func serve(order string) error {
	var name, target string
	var port int
	if n, err := fmt.Sscan(order, &name, &port, &target); n < 2 {
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
	return server(port, target)
}

// server is a running one.
type server struct {
	cmd  *exec.Cmd
	port int
	end  func() error
	said bytes.Buffer // its standard error
}

// stop ends a server. With what went wrong, if anything, it returns what the
// server has said.
func (s *server) stop(err error) error {
	_ = s.end()
	_ = s.cmd.Process.Kill() // those that do not look at their standard input
	_ = s.cmd.Wait()         // it was killed
	if err != nil {
		err = fmt.Errorf("%w; server: %s", err, &s.said)
	}
	return err
}

// goServer returns the command for one of servers.
func goServer(name string, target ...string) func(port int) (*exec.Cmd, error) {
	return func(port int) (*exec.Cmd, error) {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", serverVariable, name, port, strings.Join(target, "")))
		return cmd, nil
	}
}

// cServer returns the command for one of the C programs.
func cServer(name string, more ...string) func(port int) (*exec.Cmd, error) {
	return func(port int) (*exec.Cmd, error) {
		return cProgram(name, append([]string{strconv.Itoa(port)}, more...)...)
	}
}

func cProgram(name string, args ...string) (*exec.Cmd, error) {
	path := filepath.Join("bin", name)
	if _, err := os.Stat(path); err != nil {
		return nil, errMissing
	}
	return exec.Command(path, args...), nil
}

// cpu returns the processor time that a server has used so far.
func (s *server) cpu() time.Duration {
	const scheduler = 2 // CPUCLOCK_SCHED: clock_getcpuclockid(3)
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^s.cmd.Process.Pid<<3|scheduler), &ts); err != nil {
		return 0 // it has ended, which the streams tell
	}
	return time.Duration(ts.Nano())
}

// startServer starts a server on the given processor. Who connects has to try until it listens.
func startServer(command func(port int) (*exec.Cmd, error), cpu int) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd, err := command(port)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, port: port}
	cmd.Stderr = &s.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := onCPU(cpu, cmd.Start); err != nil {
		return nil, err
	}
	s.end = in.Close
	return s, nil
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

// placement says which processor the server and the load have; -1 is all of them.
type placement struct{ server, load int }

var anywhere = placement{-1, -1}

// twoCPUs is a processor for each, where there are two.
func twoCPUs() placement {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() < 2 {
		return anywhere
	}
	p := anywhere
	for cpu := 0; p.load < 0; cpu++ {
		switch {
		case !set.IsSet(cpu):
		case p.server < 0:
			p.server = cpu
		default:
			p.load = cpu
		}
	}
	return p
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
