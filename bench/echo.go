package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// echoCases measures TCP echo servers over loopback, each a process of its own
// that has one processor, with the same load from another process on another one:
// one request in flight on each connection, every reply compared with its request.
func echoCases(o options) ([]comparison, func(), error) {
	if _, err := os.Stat(filepath.Join("bin", "echoload")); err != nil {
		return nil, nil, fmt.Errorf("the load generator bin/echoload: %w", err)
	}
	var all []comparison
	for _, conns := range []int{64, 1000} {
		for _, size := range []int{64, 4096} {
			all = append(all, echoCase(o, conns, size)...)
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
	{"shared", goServer("shared")},
	{"c-ring", cServer("echoring")},
	{"std", goServer("std")},
	{"gnet", goServer("gnet")},
	{"netpoll", goServer("netpoll")},
	{"c-epoll", cServer("echoepoll")},
}

// echoMetrics are what one run of a server gives, each of which is a comparison.
var echoMetrics = []struct{ name, unit string }{
	{"cpu", "cpu-ns/request"},
	{"rate", "request/s"},
	{"p50", "ns"},
	{"p99", "ns"},
}

// echoCase returns a comparison for each metric. The first one runs the servers;
// the others take from those runs what they want.
func echoCase(o options, conns, size int) []comparison {
	all := make([]comparison, len(echoMetrics))
	for m, metric := range echoMetrics {
		all[m] = comparison{name: fmt.Sprintf("%s-%dB-%d", metric.name, size, conns), unit: metric.unit}
	}
	for _, s := range echoServers {
		var runs [][]float64
		for m := range echoMetrics {
			next := 0
			all[m].sides = append(all[m].sides, side{s.name, func() (float64, error) {
				if m == 0 {
					run, err := echo(o, s.command, conns, size)
					if err != nil {
						return 0, err
					}
					runs = append(runs, run)
				}
				if next >= len(runs) {
					return 0, errMissing
				}
				next++
				return runs[next-1][m], nil
			}})
		}
	}
	return all
}

// echo runs one server once and returns the metrics.
func echo(o options, command func(port int) (*exec.Cmd, error), conns, size int) ([]float64, error) {
	serverCPU, loadCPU := twoCPUs()
	s, err := startServer(command, serverCPU)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	warm, run := 200, 800
	if o.short {
		warm, run = 10, 40
	}
	load := exec.Command(filepath.Join("bin", "echoload"), strconv.Itoa(s.port), strconv.Itoa(conns), strconv.Itoa(size),
		strconv.Itoa(warm), strconv.Itoa(run), strconv.Itoa(s.cmd.Process.Pid), strconv.Itoa(loadCPU))
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
