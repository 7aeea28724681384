package signals_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/sighub"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// helpers are programs that the test binary can be: another process, in Go.
var helpers = map[string]func(args []string) int{}

const helperVariable = "SLUICE_SIGNALS_HELPER"

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		os.Exit(helpers[name](os.Args[1:]))
	}
	warmUp()
	before := resources()
	code := m.Run()
	if code == 0 {
		code = checkLeaks(before)
	}
	if peerDir != "" {
		_ = os.RemoveAll(peerDir)
	}
	os.Exit(code)
}

// helper returns a command that runs a helper.
func helper(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	require.NotNil(t, helpers[name])
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

// warmUp starts what the standard library keeps for good.
func warmUp() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	signal.Stop(c)
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
}

// resources counts descriptors and goroutines.
func resources() [2]int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return [2]int{len(entries), runtime.NumGoroutine()}
}

func checkLeaks(before [2]int) int {
	var after [2]int
	for range 100 {
		if after = resources(); after[0] <= before[0] && after[1] <= before[1] {
			return 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	fmt.Printf("descriptors and goroutines before %v, after %v\n%s\n", before, after,
		stacks[:runtime.Stack(stacks, true)])
	return 1
}

var (
	peerOnce sync.Once
	peerDir  string
	peerPath string
)

// peer returns the path of the C program in testdata.
func peer(t testing.TB) string {
	t.Helper()
	peerOnce.Do(func() {
		if dir := os.Getenv("SLUICE_TEST_PROGRAMS"); dir != "" { // where there is no compiler
			peerPath = filepath.Join(dir, "peer")
			return
		}
		cc, err := exec.LookPath("gcc")
		if err != nil {
			return
		}
		peerDir, _ = os.MkdirTemp("", "signals")
		path := filepath.Join(peerDir, "peer")
		if out, err := exec.Command(cc, "-O1", "-o", path, "testdata/peer.c").CombinedOutput(); err != nil {
			fmt.Printf("%s", out)
			return
		}
		peerPath = path
	})
	if peerPath == "" {
		t.Skip("no gcc, or its output does not run here")
	}
	return peerPath
}

func newRing(t testing.TB) *ring.Ring {
	t.Helper()
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func submit(t testing.TB, r *ring.Ring, req ops.Request) ops.ID {
	t.Helper()
	id, err := r.Submit(req)
	require.NoError(t, err)
	return id
}

// next waits for a completion.
func next(t testing.TB, r *ring.Ring) ops.Completion {
	t.Helper()
	var dst [1]ops.Completion
	n, err := r.Wait(dst[:], 1, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	return dst[0]
}

// nextSignal waits for a signal.
func nextSignal(t testing.TB, r *ring.Ring) *signals.Info {
	t.Helper()
	c := next(t, r)
	require.NoError(t, c.Err())
	info := signals.Of(&c)
	require.NotNil(t, info)
	return info
}

// quiet fails if a completion comes within a moment.
func quiet(t testing.TB, r *ring.Ring) {
	t.Helper()
	var dst [1]ops.Completion
	n, err := r.Wait(dst[:], 1, 20*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout, "%d: %v", n, signals.Of(&dst[0]))
}

// end cancels a watch and takes its terminal completion.
func end(t testing.TB, r *ring.Ring, id ops.ID) {
	t.Helper()
	require.NoError(t, r.Cancel(id))
	c := next(t, r)
	require.ErrorIs(t, c.Err(), ops.ErrCanceled)
	require.False(t, c.More)
}

// native is false where signals come from os/signal.
const native = sighub.Native

func needNative(t testing.TB) {
	t.Helper()
	if !native {
		t.Skip("signals come from os/signal here")
	}
}

// masks reads the signal sets of a thread's or process's status file.
func masks(t testing.TB, path string) map[string]ops.SignalSet {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	sets := map[string]ops.SignalSet{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name == "ShdPnd" || strings.HasPrefix(name, "Sig") && name != "SigQ" {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			require.NoError(t, err)
			sets[name] = ops.SignalSet(set)
		}
	}
	return sets
}

// blocks reports whether a thread of ours blocks sig.
func blocks(t testing.TB, tid int, sig syscall.Signal) bool {
	return masks(t, fmt.Sprintf("/proc/self/task/%d/status", tid))["SigBlk"].Has(sig)
}

// queue sends, again and again while other programs of this user use up
// RLIMIT_SIGPENDING.
func queue(t testing.TB, r *ring.Ring, req ops.Request) {
	t.Helper()
	for {
		_, err := r.Do(context.Background(), req)
		if err == nil {
			return
		}
		require.ErrorIs(t, err, syscall.EAGAIN)
		time.Sleep(time.Millisecond)
	}
}

// settle waits until the SIGCHLD of a child that has ended is out of the way: it
// may still be pending when the child was waited for.
func settle(t testing.TB) {
	t.Helper()
	for range 1000 {
		if !masks(t, "/proc/self/status")["ShdPnd"].Has(syscall.SIGCHLD) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("a SIGCHLD stays pending")
}

// isHub reports whether a thread of ours is the hub's: it alone blocks signal 32.
func isHub(t testing.TB, tid int) bool { return blocks(t, tid, 32) }

// openThread returns a thread of ours that does not block sig. os/signal has one
// that may.
func openThread(t testing.TB, sig syscall.Signal) int {
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for _, task := range tasks {
		if tid, _ := strconv.Atoi(task.Name()); !blocks(t, tid, sig) {
			return tid
		}
	}
	t.Fatal("all threads block", sig)
	return 0
}

var self = os.Getpid()
