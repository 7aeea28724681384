package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ring"
)

// Report is all that doctor finds out.
type Report struct {
	Machine    Machine     `json:"machine"`
	Engine     Engine      `json:"engine"`   // what a Config without wishes gets
	Pinned     Engine      `json:"pinned"`   // and one with Pinned
	IOURing    Engine      `json:"io_uring"` // what ring.IOURing gets, or why it gets nothing
	Operations []Operation `json:"operations"`
	Limits     []Limit     `json:"limits"`
}

// Machine is where the program runs.
type Machine struct {
	Kernel    string `json:"kernel"`
	System    string `json:"system"`
	CPUs      int    `json:"cpus"`
	MaxProcs  int    `json:"gomaxprocs"`
	Memory    uint64 `json:"memory_bytes"`
	Go        string `json:"go"`
	Seccomp   string `json:"seccomp"` // none, strict or filter
	User      int    `json:"user"`
	Container string `json:"container,omitempty"` // what seems to contain it
}

// Engine is a Ring that was made, or why there is none.
type Engine struct {
	Error    string   `json:"error,omitempty"`
	Name     string   `json:"name,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Flags    []string `json:"setup_flags,omitempty"`
	Features []string `json:"features,omitempty"`
	RealTime bool     `json:"real_time"` // see ring.Info
}

// Operation is one of them, and how the engine carries it out.
type Operation struct {
	Name   string `json:"name"`
	Route  string `json:"route"`
	Opcode string `json:"opcode,omitempty"`
	Since  string `json:"since,omitempty"` // the first kernel that has it natively
}

func examine() *Report {
	r := &Report{Machine: machine(), Limits: limits()}
	var info ring.Info
	r.Engine, info = try(ring.Config{})
	r.Pinned, _ = try(ring.Config{Pinned: true})
	r.IOURing, _ = try(ring.Config{Engine: ring.IOURing})
	for _, o := range info.Operations {
		r.Operations = append(r.Operations, Operation{o.Code.String(), o.Route.String(), o.Opcode, o.Since})
	}
	return r
}

// try makes a Ring and looks at it.
func try(c ring.Config) (Engine, ring.Info) {
	r, err := ring.New(c)
	if err != nil {
		return Engine{Error: err.Error()}, ring.Info{}
	}
	info := r.Info()
	e := Engine{
		Name: info.Engine.String(), Reason: info.Reason, RealTime: info.RealTime,
		Flags: words(info.Flags), Features: words(info.Features),
	}
	if err := r.Close(); err != nil {
		e.Error = err.Error()
	}
	return e, info
}

// words splits a list of names.
func words(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" ,|", c) })
}

func machine() Machine {
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), MaxProcs: runtime.GOMAXPROCS(0),
		Go: runtime.Version(), User: os.Geteuid(), Container: container(),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = uint64(info.Totalram) * uint64(info.Unit)
	}
	m.Seccomp = map[string]string{"0": "none", "1": "strict", "2": "filter"}[status("Seccomp")]
	return m
}

// status returns a field of the process's status: see proc(5).
func status(field string) string {
	content, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// container returns what gives itself away as one.
func container() string {
	for path, name := range map[string]string{"/.dockerenv": "docker", "/run/.containerenv": "podman"} {
		if _, err := os.Stat(path); err == nil {
			return name
		}
	}
	return os.Getenv("container")
}

// number reads a file of the kernel's that holds one number first, or -1.
func number(path string) int64 {
	content, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(content)), "\t")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
