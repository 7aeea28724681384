// Package sigtest sends signals in ways that only tests need.
package sigtest

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Value is what the signals of Timer carry.
const Value = 0x1122334455667788

// Timer starts a POSIX timer that sends sig after a millisecond, and then every
// interval if that is not 0 (timer_create(2)).
func Timer(sig syscall.Signal, interval time.Duration) (stop func(), err error) {
	event := struct {
		value         uint64
		signo, notify int32
		_             [48]byte
	}{value: Value, signo: int32(sig)}
	var id int32
	_, _, errno := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC,
		uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&id)))
	if errno != 0 {
		return nil, fmt.Errorf("timer_create: %w", errno)
	}
	when := [2]unix.Timespec{unix.NsecToTimespec(int64(interval)), unix.NsecToTimespec(1e6)}
	_, _, errno = unix.Syscall6(unix.SYS_TIMER_SETTIME, uintptr(id), 0, uintptr(unsafe.Pointer(&when)), 0, 0, 0)
	if errno != 0 {
		return nil, fmt.Errorf("timer_settime: %w", errno)
	}
	return func() { _, _, _ = unix.Syscall(unix.SYS_TIMER_DELETE, uintptr(id), 0, 0) }, nil
}

// What QueueCode puts into siginfo.
const (
	Errno = 3
	Pid   = 5
	UID   = 6
)

// QueueCode sends a signal with an si_code and fields of its own, as any program
// may whose si_code is negative (rt_sigqueueinfo(2)).
func QueueCode(pid int, sig syscall.Signal, code int32, value uint64) error {
	info := struct {
		signo, errno, code, _ int32
		pid, uid              int32
		value                 uint64
		_                     [96]byte
	}{code: code, errno: Errno, pid: Pid, uid: UID, value: value}
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(sig), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return fmt.Errorf("rt_sigqueueinfo: %w", errno)
	}
	return nil
}
