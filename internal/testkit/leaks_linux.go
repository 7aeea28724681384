package testkit

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and returns the exit status. It is not 0 when
// descriptors, goroutines, threads or mappings of rings outlive the tests.
func Main(m *testing.M) int {
	prime()
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	code := m.Run()
	if code != 0 {
		return code // what failed tests leave behind explains nothing
	}
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
		return code // the fuzzer itself leaves a goroutine behind
	}
	var left []string
	// What has just ended may take a moment to be gone.
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		if left = leaks(fds, goroutines); len(left) == 0 {
			return 0
		}
	}
	fmt.Println("the tests left behind:\n" + strings.Join(left, "\n"))
	return 1
}

// prime makes the runtime open the descriptors that it keeps.
func prime() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.SetDeadline(time.Now().Add(time.Hour))
		_, _ = r.Close(), w.Close()
	}
}

// leaks names what is there now and was not before.
func leaks(fds map[string]string, goroutines int) (left []string) {
	for fd, target := range descriptors() {
		if fds[fd] != target {
			left = append(left, "descriptor "+fd+": "+target)
		}
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = append(left, fmt.Sprintf("%d goroutines instead of %d:\n%s", n, goroutines, stacks))
	}
	if n := threads(); n > maxThreads {
		left = append(left, fmt.Sprintf("%d threads", n))
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[io_uring]") {
			left = append(left, "mapping "+strings.TrimSpace(line))
		}
	}
	return left
}

// maxThreads allows for those that the runtime makes while others are in system
// calls, and never ends. A thread lost by each test would be many more.
const maxThreads = 128

// descriptors returns what every open descriptor of the process refers to.
func descriptors() map[string]string {
	fds := map[string]string{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		// The descriptor of the folder itself is closed by now.
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			fds[e.Name()] = target
		}
	}
	return fds
}

// threads counts the threads of this process, but for the kernel's own workers,
// which come and go as it likes.
func threads() (n int) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		name, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/comm")
		if !strings.HasPrefix(string(name), "iou-") {
			n++
		}
	}
	return n
}

// RingDescriptors returns how many descriptors of this process are io_urings.
func RingDescriptors() (n int) {
	for _, target := range descriptors() {
		if strings.Contains(target, "[io_uring]") {
			n++
		}
	}
	return n
}

// Descriptors returns how many descriptors this process has open.
func Descriptors() int { return len(descriptors()) }
