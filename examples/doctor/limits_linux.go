package main

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ring"
)

// Limit is one that a Ring can run into.
type Limit struct {
	Name   string `json:"name"`
	Value  int64  `json:"value"`         // -1: none, or it cannot be known
	Max    int64  `json:"max,omitempty"` // what the process may raise Value to
	Used   int64  `json:"used,omitempty"`
	For    string `json:"for"`    // what it limits
	Change string `json:"change"` // how to change it
	Low    bool   `json:"low"`    // it is worth changing
}

func limits() []Limit {
	return append(resourceLimits(), systemLimits()...)
}

// resourceLimits returns those of the process: see getrlimit(2).
func resourceLimits() []Limit {
	signals, _, _ := strings.Cut(status("SigQ"), "/")
	queued, _ := strconv.ParseInt(signals, 10, 64)
	open, _ := os.ReadDir("/proc/self/fd")
	threads, _ := strconv.ParseInt(status("Threads"), 10, 64)
	all := []struct {
		limit    Limit
		resource int
		enough   int64
	}{
		{Limit{Name: "RLIMIT_MEMLOCK",
			For:    "registered buffers, in bytes, and before Linux 5.12 the rings",
			Change: "ulimit -l, LimitMEMLOCK= of systemd, --ulimit memlock= of docker; or CAP_IPC_LOCK"},
			unix.RLIMIT_MEMLOCK, 8 << 20},
		{Limit{Name: "RLIMIT_NOFILE", Used: int64(len(open)),
			For:    "descriptors, a Ring's own and Config.DirectFiles among them",
			Change: "ulimit -n, LimitNOFILE= of systemd; Go raises it to max by itself"},
			unix.RLIMIT_NOFILE, 4096},
		{Limit{Name: "RLIMIT_SIGPENDING", Used: queued,
			For:    "queued signals of this user; real-time signals beyond it are counted as lost",
			Change: "ulimit -i, LimitSIGPENDING= of systemd"},
			unix.RLIMIT_SIGPENDING, 4096},
		{Limit{Name: "RLIMIT_NPROC", Used: threads,
			For:    "processes and threads of this user: Config.Workers, LockThreads and KernelWorkers",
			Change: "ulimit -u, LimitNPROC= of systemd"},
			unix.RLIMIT_NPROC, 2048},
	}
	var limits []Limit
	for _, l := range all {
		var r unix.Rlimit
		if unix.Getrlimit(l.resource, &r) != nil {
			continue
		}
		l.limit.Value, l.limit.Max = bounded(r.Cur), bounded(r.Max)
		l.limit.Low = l.limit.Value >= 0 && l.limit.Value < l.enough
		limits = append(limits, l.limit)
	}
	return limits
}

func bounded(n uint64) int64 {
	if n > math.MaxInt64 { // RLIM_INFINITY
		return -1
	}
	return int64(n)
}

// systemLimits returns those of the machine and its sandboxes.
func systemLimits() []Limit {
	disabled := number("/proc/sys/kernel/io_uring_disabled")
	threads := number("/proc/sys/kernel/threads-max")
	pids := number("/sys/fs/cgroup/pids.max")
	opened := number("/proc/sys/fs/file-max")
	pipes := number("/proc/sys/fs/pipe-user-pages-soft")
	return []Limit{
		{Name: "kernel.io_uring_disabled", Value: disabled, Low: disabled > 0,
			For:    "1 forbids io_uring without CAP_SYS_ADMIN or the group of kernel.io_uring_group, 2 to all; Linux 6.6",
			Change: "sysctl kernel.io_uring_disabled=0"},
		{Name: "io-wq workers", Value: ring.DefaultKernelWorkers, Max: ring.MaxKernelWorkers,
			For:    "kernel threads for what can block without end, per thread that submits",
			Change: "Config.KernelWorkers, Linux 5.15"},
		{Name: "kernel.threads-max", Value: threads, Low: threads >= 0 && threads < 2048,
			For:    "threads of the machine",
			Change: "sysctl kernel.threads-max"},
		{Name: "cgroup pids.max", Value: pids, Low: pids >= 0 && pids < 1024,
			For:    "threads of the control group",
			Change: "TasksMax= of systemd, --pids-limit of docker"},
		{Name: "fs.file-max", Value: opened, Low: opened >= 0 && opened < 1<<16,
			For:    "open files of the machine",
			Change: "sysctl fs.file-max"},
		{Name: "fs.pipe-user-pages-soft", Value: pipes,
			For:    "pages in pipes of this user: beyond it a pipe, also one for splice, has two pages",
			Change: "sysctl fs.pipe-user-pages-soft; 0 for no limit"},
	}
}
