//go:build linux

package uring

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// SetupError is why a ring could not be had. errors.Is matches it with Errno,
// and with ErrUnavailable where another engine is the answer.
type SetupError struct {
	// Op is the call that failed, such as "io_uring_setup".
	Op string
	// Errno is the kernel's answer; 0 when the kernel made a ring that lacks a
	// required feature.
	Errno syscall.Errno
	// Hint says why, and what to do about it.
	Hint string
	// Unavailable says that the error matches ErrUnavailable.
	Unavailable bool
}

// Error names the call, the errno and the hint.
func (e *SetupError) Error() string {
	text := "uring: " + e.Op
	if e.Errno != 0 {
		text += ": " + e.Errno.Error()
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Unwrap returns the errno and, where it applies, ErrUnavailable.
func (e *SetupError) Unwrap() []error {
	var errs []error
	if e.Errno != 0 {
		errs = append(errs, e.Errno)
	}
	if e.Unavailable {
		errs = append(errs, ErrUnavailable)
	}
	return errs
}

// setupError explains errno (traps 40 and 42).
func setupError(op string, errno syscall.Errno) error {
	e := &SetupError{Op: op, Errno: errno}
	switch errno {
	case syscall.ENOSYS:
		// No such system call: older than 5.1, built without it, gVisor, or a
		// seccomp filter that answers so.
		e.Unavailable = true
		e.Hint = "this kernel or its sandbox has no io_uring; Linux 5.11 or later is needed"
	case syscall.EPERM:
		// The sysctl, or a seccomp filter (Docker's default).
		e.Unavailable = true
		e.Hint = forbiddenHint(os.ReadFile("/proc/sys/kernel/io_uring_disabled"))
	case syscall.EACCES:
		// A security module: SELinux and others have a hook here since 6.15.
		e.Unavailable = true
		e.Hint = "a security module forbids io_uring; ask for its permission in the policy"
	case syscall.ENOMEM:
		// Before 5.12 rings count as locked memory; later only real shortage.
		e.Hint = "out of memory, or, before Linux 5.12, over RLIMIT_MEMLOCK: raise it (ulimit -l) or ask for fewer entries"
	case syscall.EMFILE:
		e.Hint = "this process has as many descriptors as RLIMIT_NOFILE allows: raise it (ulimit -n) or close some"
	case syscall.ENFILE:
		e.Hint = "the system has as many open files as fs.file-max allows: raise the sysctl"
	}
	return e
}

// forbiddenHint says who answers EPERM, given the content of the sysctl
// kernel.io_uring_disabled (Linux 6.6) and the error of reading it.
func forbiddenHint(content []byte, err error) string {
	value := strings.TrimSpace(string(content))
	switch {
	case err == nil && value == "2":
		return "the sysctl kernel.io_uring_disabled is 2, which forbids io_uring to everybody; set it to 0"
	case err == nil && value == "1":
		return "the sysctl kernel.io_uring_disabled is 1, which forbids io_uring without CAP_SYS_ADMIN; " +
			"set it to 0, or join the group of kernel.io_uring_group"
	case err == nil:
		return "the sysctl kernel.io_uring_disabled is " + value +
			", so a seccomp filter forbids it, as Docker's default profile does; allow system calls 425 to 427"
	}
	return "a seccomp filter forbids it, as Docker's default profile does; allow system calls 425 to 427"
}

// required lists the features that sluice is built on, with their releases.
const required = FeatNoDrop | FeatSubmitStable | FeatRWCurPos | FeatFastPoll | FeatExtArg

// featureError reports required features that are missing, or nil.
func featureError(features uint32) error {
	missing := required &^ features
	if missing == 0 {
		return nil
	}
	return &SetupError{
		Op: "io_uring_setup", Unavailable: true,
		Hint: fmt.Sprintf("the kernel's io_uring lacks %s; Linux %s or later is needed",
			FeatureNames(missing), newestRelease(missing)),
	}
}

// newestRelease returns the release that brought the newest of features.
func newestRelease(features uint32) (since string) {
	for _, f := range featNames { // in the order of their releases
		if features&f.bit != 0 {
			since = f.since
		}
	}
	return since
}
