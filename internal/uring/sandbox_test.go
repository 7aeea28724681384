//go:build linux

package uring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const sandboxEnv = "URING_TEST_SANDBOX"

// TestSandbox re-executes the test under a seccomp filter (trap 42).
func TestSandbox(t *testing.T) {
	for _, c := range []struct {
		name  string
		call  int
		errno syscall.Errno
	}{
		{"docker", unix.SYS_IO_URING_SETUP, syscall.EPERM},
		{"gvisor", unix.SYS_IO_URING_SETUP, syscall.ENOSYS},
		{"lsm", unix.SYS_IO_URING_SETUP, syscall.EACCES},
		{"enter alone", unix.SYS_IO_URING_ENTER, syscall.EPERM},
		{"out of memory", unix.SYS_IO_URING_SETUP, syscall.ENOMEM},
		{"out of descriptors", unix.SYS_IO_URING_SETUP, syscall.EMFILE},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", sandboxEnv, c.call, int(c.errno)))
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			text, flags, _ := strings.Cut(string(out), "\n")
			want := c.errno != syscall.ENOMEM && c.errno != syscall.EMFILE
			assert.Equal(t, fmt.Sprintf("unavailable=%v errno=true rings=0", want), strings.TrimSpace(flags))
			assert.NotEmpty(t, text)
			t.Log(text)
		})
	}
}

// sandboxChild installs the filter, tries to set up a ring, and prints the error.
func sandboxChild() int {
	runtime.LockOSThread()
	var call, errno uint64
	call, errno = sandboxArgs()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(call), Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		return 1
	}
	_, _, e := syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		fmt.Println(e)
		return 1
	}
	_, err := Setup(Options{Entries: 4})
	fmt.Println(err)
	fmt.Printf("unavailable=%v errno=%v rings=%d\n", errors.Is(err, ErrUnavailable),
		errors.Is(err, syscall.Errno(errno)), len(ringFDs("self")))
	return 0
}

func sandboxArgs() (call, errno uint64) {
	f := strings.Fields(os.Getenv(sandboxEnv))
	call, _ = strconv.ParseUint(f[0], 10, 32)
	errno, _ = strconv.ParseUint(f[1], 10, 16)
	return call, errno
}

func TestForbiddenHintNamesTheSysctl(t *testing.T) {
	assert.Contains(t, forbiddenHint([]byte("2\n"), nil), "io_uring_disabled is 2")
	assert.Contains(t, forbiddenHint([]byte("1\n"), nil), "io_uring_group")
	assert.Contains(t, forbiddenHint([]byte("0\n"), nil), "seccomp")
	assert.Contains(t, forbiddenHint(nil, os.ErrNotExist), "seccomp")
}
