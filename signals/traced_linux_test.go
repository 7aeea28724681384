package signals_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/signals"
)

const tracedEnv = "SLUICE_TEST_TRACED"

// trace is a process that traces the one which the environment names, until the end
// of its input.
func trace() {
	runtime.LockOSThread()
	pid, _ := strconv.Atoi(os.Getenv(tracedEnv))
	const seize = 0x4206 // PTRACE_SEIZE
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, seize, uintptr(pid), 0, 0, 0, 0); errno != 0 {
		fmt.Println(int(errno))
		return
	}
	fmt.Println("seized")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// The end of a child that somebody traces is known to its parent once the tracer has
// seen it, which is later than the pidfd says so.
func TestTracedChild(t *testing.T) {
	if os.Getenv(tracedEnv) != "" {
		trace()
		return
	}
	r := newRing(t)
	pid := fork(t, "exec sleep 1000")
	tracer := exec.Command("/proc/self/exe", "-test.run", "^TestTracedChild$")
	tracer.Env = append(os.Environ(), fmt.Sprintf("%s=%d", tracedEnv, pid))
	in, err := tracer.StdinPipe()
	require.NoError(t, err)
	out, err := tracer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, tracer.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	if said != "seized\n" {
		require.NoError(t, in.Close())
		require.NoError(t, tracer.Wait())
		require.Equal(t, fmt.Sprintln(int(unix.EPERM)), said, "ptrace(2)")
		t.Skip("this system lets no process trace its sibling: ptrace(2), EPERM")
	}
	id := submit(t, r, signals.Child(pid, 0))
	early := submit(t, r, signals.Child(pid, signals.Leave))
	require.NoError(t, unix.Kill(pid, unix.SIGKILL))
	var c [1]ops.Completion
	_, err = r.Wait(c[:], 1, 50*time.Millisecond)
	require.ErrorIs(t, err, ops.ErrTimeout, "%v: its tracer holds it", c[0].Err())
	require.NoError(t, r.Cancel(early))
	_, err = r.Wait(c[:], 1, 30*time.Second)
	require.NoError(t, err)
	assert.Equal(t, early, c[0].ID)
	assert.ErrorIs(t, c[0].Err(), ops.ErrCanceled)
	require.NoError(t, in.Close())
	require.NoError(t, tracer.Wait())
	_, err = r.Wait(c[:], 1, 30*time.Second)
	require.NoError(t, err)
	assert.Equal(t, id, c[0].ID)
	require.NotNil(t, signals.ExitOf(&c[0]))
	assert.Equal(t, syscall.SIGKILL, signals.ExitOf(&c[0]).Signal)
}
