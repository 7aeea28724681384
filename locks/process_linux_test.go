package locks_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	roleEnv = "SLUICE_LOCKS_ROLE"
	pathEnv = "SLUICE_LOCKS_PATH"
	timeEnv = "SLUICE_LOCKS_TIME" // how long to contend
)

// roles are what the test binary does in other processes: plain system calls.
var roles = map[string]func() int{
	"flock": func() int { return hold(unix.Flock, unix.LOCK_EX) },
	"ofd": func() int {
		return hold(func(fd, _ int) error {
			return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK})
		}, 0)
	},
	"record": func() int {
		return hold(func(fd, _ int) error {
			return unix.FcntlFlock(uintptr(fd), unix.F_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK, Len: 10})
		}, 0)
	},
	"count":      count,
	"mutex":      holdMutex,
	"event":      setEvent,
	"countMutex": countMutex,
}

// hold takes a lock, says so, and gives it up by exiting at the end of its input.
func hold(lock func(fd, how int) error, how int) int {
	f, err := os.OpenFile(os.Getenv(pathEnv), os.O_RDWR, 0)
	if err != nil || lock(int(f.Fd()), how) != nil {
		return 1
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// count increments the number in the file under its flock, again and again, and
// prints how often.
func count() int {
	d, _ := time.ParseDuration(os.Getenv(timeEnv))
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		f, err := os.OpenFile(os.Getenv(pathEnv), os.O_RDWR, 0)
		if err != nil || unix.Flock(int(f.Fd()), unix.LOCK_EX) != nil || increment(int(f.Fd())) != nil || f.Close() != nil {
			return 1
		}
	}
	fmt.Println(n)
	return 0
}

// increment adds one to the number at the beginning of a file, in two steps that
// must not be mixed with those of others.
func increment(fd int) error {
	var b [8]byte
	if _, err := unix.Pread(fd, b[:], 0); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b[:], binary.LittleEndian.Uint64(b[:])+1)
	_, err := unix.Pwrite(fd, b[:], 0)
	return err
}

// process is a helper.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

// start runs a role in another process.
func start(t testing.TB, role, path string) *process {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, pathEnv+"="+path)
	return run(t, cmd)
}

func run(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &process{cmd, stdin, bufio.NewReader(stdout)}
}

// line returns the next line that the process prints.
func (p *process) line(t testing.TB) string {
	t.Helper()
	s, err := p.out.ReadString('\n')
	require.NoError(t, err)
	return s[:len(s)-1]
}

func (p *process) number(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(p.line(t))
	require.NoError(t, err)
	return n
}

// end makes the process exit, and waits for it.
func (p *process) end(t testing.TB) {
	t.Helper()
	_ = p.stdin.Close()
	require.NoError(t, p.cmd.Wait())
}

// kill is kill -9.
func (p *process) kill(t testing.TB) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}
