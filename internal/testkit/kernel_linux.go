package testkit

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LosesChangedPolls is why tests of changes of polls are skipped, or "". On Linux 6.16 and
// 6.17 a one-shot poll that is ready when it is changed never completes: the update
// takes its result for that of one which goes on (mended in 6.18).
func LosesChangedPolls() string {
	if KernelHas("6.16") && !KernelHas("6.18") {
		return "Linux 6.16 and 6.17 lose a poll that a change finds ready"
	}
	return ""
}

// AddsInq is why tests of what comes with messages of UNIX streams are skipped, or "".
// Linux 6.17 adds SCM_INQ, which nobody has asked for, to those received by io_uring
// (mended in 6.18).
func AddsInq() string {
	if KernelHas("6.17") && !KernelHas("6.18") {
		return "Linux 6.17 adds SCM_INQ to what io_uring receives from UNIX streams"
	}
	return ""
}

// KernelHas reports whether the running kernel is of release since, such as "6.7",
// or later. It is for what no probe can tell, and in tests alone: kernels with
// backports have more than their release says (trap 43).
func KernelHas(since string) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor, wantMajor, wantMinor int
	_, _ = fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor) // else it is 0.0
	_, _ = fmt.Sscanf(since, "%d.%d", &wantMajor, &wantMinor)
	return major > wantMajor || major == wantMajor && minor >= wantMinor
}
