package testkit

import (
	"fmt"

	"golang.org/x/sys/unix"
)

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
