package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// echoCases measures TCP echo servers over loopback, each a process of its own,
// under the same load from another process: one request in flight on each
// connection, every reply compared with its request. Both may use all processors,
// and both sleep when they have nothing to do.
func echoCases(o options) ([]comparison, func(), error) { return echoPlaced(o, anywhere) }

// echoOneCases is the same where the server has one processor and the load, which
// does not sleep, another one.
func echoOneCases(o options) ([]comparison, func(), error) { return echoPlaced(o, twoCPUs()) }

func echoPlaced(o options, p placement) ([]comparison, func(), error) {
	if _, err := os.Stat(filepath.Join("bin", "echoload")); err != nil {
		return nil, nil, fmt.Errorf("the load generator bin/echoload: %w", err)
	}
	var all []comparison
	for _, conns := range []int{64, 1000} {
		for _, size := range []int{64, 4096} {
			all = append(all, echoCase(o, p, conns, size))
		}
	}
	return all, func() {}, nil
}

// echoServers are the sides, ours first.
var echoServers = []struct {
	name    string
	command func(port int) (*exec.Cmd, error)
}{
	{"pinned", goServer("pinned")},
	{"pinned-one", goServer("pinned-one")},
	{"shared", goServer("shared")},
	{"portable", portableServer},
	{"c-ring", cServer("echoring")},
	{"c-batch", cServer("echoring", strconv.Itoa(int(echoBatch.Microseconds())))},
	{"std", goServer("std")},
	{"gnet", goServer("gnet")},
	{"netpoll", goServer("netpoll")},
	{"c-epoll", cServer("echoepoll")},
}

var echoMetrics = []metric{
	{"cpu", "cpu-ns/request"},
	{"rate", "request/s"},
	{"p50", "ns"},
	{"p99", "ns"},
}

func echoCase(o options, p placement, conns, size int) comparison {
	c := comparison{name: fmt.Sprintf("%dB-%d", size, conns), metrics: echoMetrics, ours: 4}
	for _, s := range echoServers {
		c.sides = append(c.sides, side{s.name, func() ([]float64, error) { return echo(o, s.command, p, conns, size) }})
	}
	return c
}

// echo runs one server once and returns the metrics.
func echo(o options, command func(port int) (*exec.Cmd, error), p placement, conns, size int) (figures []float64, err error) {
	s, err := startServer(command, p.server)
	if err != nil {
		return nil, err
	}
	defer func() { err = s.stop(err) }()
	warm, run := 150, 500 // milliseconds
	switch {
	case o.short:
		warm, run = 10, 40
	case p == anywhere: // where the scheduler has a choice, it makes more difference
		run = 1000
	}
	load := exec.Command(filepath.Join("bin", "echoload"), strconv.Itoa(s.port), strconv.Itoa(conns), strconv.Itoa(size),
		strconv.Itoa(warm), strconv.Itoa(run), strconv.Itoa(s.cmd.Process.Pid), strconv.Itoa(p.load))
	load.Stderr = os.Stderr
	out, err := load.Output()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	var requests, seconds, p50, p99, used float64
	if _, err := fmt.Sscan(string(out), &requests, &seconds, &p50, &p99, &used); err != nil {
		return nil, fmt.Errorf("load: %q: %w", out, err)
	}
	return []float64{used / requests, requests / seconds, p50, p99}, nil
}
