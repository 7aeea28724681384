package ring_test

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ring"
)

// enginesEnv names the only engine that a copy of the test binary runs the suite on.
const enginesEnv = "SLUICE_TEST_ENGINE"

func init() {
	if name, set := os.LookupEnv(enginesEnv); set {
		engine, err := ring.ParseEngine(name)
		if err != nil {
			panic(err)
		}
		engines = []ring.Engine{engine}
	}
}

// rerun runs the tests that pattern matches and skip does not in a copy of the test
// binary.
func rerun(t *testing.T, engine ring.Engine, pattern, skip string, environment ...string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run", pattern, "-test.skip", skip, "-test.count=1", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), enginesEnv+"="+engine.String())
	cmd.Env = append(cmd.Env, environment...)
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// With every opcode hidden, requests go to the companion or have an older opcode, and
// are as before. Those skipped count descriptors or resubmissions, or are about what
// the kernel's ring alone can do.
func TestSuiteWithoutOpcodes(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs most of the suite")
	}
	rerun(t, ring.IOURing, "^TestOp", "^(TestOpMessageControlTruncated|TestOpPipeOutOfDescriptors|TestOpPollChange|"+
		"TestOpSocketNameOfDirect|TestOpWorkerOnDyingThread)$", ring.HideEnv+"=all")
}

// Where a sandbox answers that there is no io_uring, Auto takes the portable engine,
// and the suite passes on that (trap 42).
func TestSuiteInSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs most of the suite")
	}
	for pattern, errno := range map[string]syscall.Errno{ // a part of the suite each
		"^TestOp[A-O]": syscall.EPERM, "^TestOp[P-S]": syscall.ENOSYS,
	} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			testkit.Child(t, func() {
				runtime.LockOSThread() // the child has the filter of the thread that starts it
				defer runtime.UnlockOSThread()
				require.NoError(t, testkit.Refuse(errno, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_REGISTER))
				rerun(t, ring.Auto, pattern, "^TestOpWorkerOnDyingThread$", "SLUICE_ENGINE=auto") // a thing of the kernel's
			})
		})
	}
}
