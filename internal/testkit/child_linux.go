package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const childEnv = "SLUICE_TEST_CHILD"

// Child runs f in a process of its own: the same test, once more, in a copy of
// the test binary that was told to. There it reports true, having run f; in the
// parent it fails t with the child's output if the child failed, and reports
// false. Limits, filters and descriptors that f changes die with the child.
func Child(t *testing.T, f func()) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		f()
		return true
	}
	// Every level of the name is matched by itself.
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run", pattern, "-test.count=1", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s", childEnv, t.Name()))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("child: %v\n%s", err, out)
	}
	return false
}
