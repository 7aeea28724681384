package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/kerneltest/job"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// probe prints what the kernel's io_uring can do, and returns the exit status.
func probe() int {
	runtime.LockOSThread() // for the pinned Ring
	found := job.Capabilities{Flags: map[string][]string{}}
	for mode, pinned := range map[string]bool{"shared": false, "pinned": true} {
		if err := look(&found, mode, pinned); err != nil {
			fmt.Fprintf(os.Stderr, "guest probe: %s: %v\n", mode, err)
			return 1
		}
	}
	text, err := json.Marshal(found)
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest probe:", err)
		return 1
	}
	fmt.Printf("%s\n", text)
	return 0
}

// look adds what a Ring of that mode finds.
func look(found *job.Capabilities, mode string, pinned bool) error {
	r, err := ring.New(ring.Config{Pinned: pinned})
	if err != nil {
		return err
	}
	info := r.Info()
	found.Flags[mode] = strings.FieldsFunc(info.Flags, func(c rune) bool { return c == '|' })
	if !pinned {
		found.Release, found.Engine, found.Reason = info.Kernel, info.Engine.String(), info.Reason
		found.Features = strings.FieldsFunc(info.Features, func(c rune) bool { return c == '|' })
		for _, o := range info.Operations {
			route := o.Route
			if info.Engine == ring.IOURing && route == ring.Native {
				route = try(r, o.Code)
			}
			found.Operations = append(found.Operations, job.Operation{Name: o.Code.String(), Since: o.Since, Route: route.String()})
		}
	}
	return r.Close()
}

// try carries out operations whose opcode is older than they are, so that the
// kernel's list of opcodes says nothing about them.
func try(r *ring.Ring, code ops.Code) ring.Route {
	var req ops.Request
	s, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ring.Unavailable
	}
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ring.Unavailable
	}
	defer func() { _, _, _ = unix.Close(s[0]), unix.Close(s[1]), unix.Close(tcp) }()
	switch code {
	case ops.CodeGetsockopt:
		req = ops.Getsockopt(tcp, unix.SOL_SOCKET, unix.SO_TYPE, make([]byte, 4))
	case ops.CodeSetsockopt:
		req = ops.SetsockoptInt(tcp, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	case ops.CodeSocketInq:
		req = ops.SocketInq(tcp)
	case ops.CodeSocketOutq:
		req = ops.SocketOutq(tcp)
	case ops.CodeSocketName:
		req = ops.SocketName(s[0], new(ops.Sockaddr))
	case ops.CodeRegister:
		req = ops.Register(tcp)
	case ops.CodeReadFile:
		req = ops.ReadFile("/proc/version", make([]byte, 4))
	default:
		return ring.Native
	}
	own := req
	if own.Personality, err = r.RegisterPersonality(); err != nil {
		return ring.Unavailable
	}
	defer func() { _ = r.UnregisterPersonality(own.Personality) }() // the Ring is closed soon
	if succeeds(r, own) {
		return ring.Native // who has a personality gets nothing in its place
	}
	if succeeds(r, req) {
		return ring.Emulated
	}
	return ring.Unavailable
}

// succeeds reports whether the kernel knows what req asks for.
func succeeds(r *ring.Ring, req ops.Request) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := r.Do(ctx, req)
	for _, lacks := range []error{syscall.EOPNOTSUPP, syscall.EINVAL, syscall.ENOSYS, syscall.ENOPROTOOPT, ops.ErrNotSupported} {
		if errors.Is(err, lacks) {
			return false
		}
	}
	return true
}
