package ring_test

import (
	"context"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// Requests that Submit turns down, each with the words that say why.
func TestInvalidRequests(t *testing.T) {
	buf := make([]byte, 8)
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for name, c := range map[string]struct {
			req  ops.Request
			want string
		}{
			"zero":              {ops.Request{}, "use a constructor"},
			"code":              {ops.Request{Code: 255}, "unknown operation"},
			"post":              {ops.Request{Code: ops.CodePost, FD: -1}, "Ring.Post"},
			"priority":          {ops.Nop().WithPriority(ops.Highest + 1), "priority"},
			"priority below":    {ops.Nop().WithPriority(-128), "priority"},
			"timeout":           {ops.Read(0, buf, 0).WithTimeout(-1), "timeout -1ns is negative"},
			"least timeout":     {ops.Read(0, buf, 0).WithTimeout(-1 << 63), "negative"},
			"offset":            {ops.Read(0, buf, -2), "offset -2"},
			"write offset":      {ops.Write(0, buf, -9), "offset -9"},
			"linked":            {func() ops.Request { r := ops.Nop(); r.Link = ops.Soft; return r }(), "SubmitAll"},
			"link":              {func() ops.Request { r := ops.Nop(); r.Link = 9; return r }(), "link 9"},
			"mode":              {func() ops.Request { r := ops.Nop(); r.Mode = ops.Multishot; return r }(), "mode"},
			"path with NUL":     {ops.Open("a\x00b", 0, 0), "NUL"},
			"long path":         {ops.Open(strings.Repeat("a", 4096), 0, 0), "longer than 4095"},
			"no path":           {ops.Open("", 0, 0), "empty"},
			"no how":            {ops.Open2("/", nil), "OpenHow"},
			"splice length":     {ops.Splice(0, -1, 1, -1, -1, 0), "negative"},
			"splice offset":     {ops.Splice(0, -2, 1, -1, 1, 0), "offsets"},
			"poll events":       {readiness.Once(0, 1<<31), "events"},
			"change of nothing": {readiness.Change(0, readiness.In), "zero ID"},
			"no message":        {ops.Sendmsg(0, nil, 0), "no message"},
			"buffers":           {ops.Readv(0, make([][]byte, 1025), 0), "1024"},
			"no address":        {ops.Connect(0, nil), "no address"},
			"wrong argument":    {ops.Request{Code: ops.CodeConnect, Arg: "x"}, "Sockaddr"},
			"fallocate":         {ops.Fallocate(0, 0, 0, 0), "length 0"},
			"ftruncate":         {ops.Ftruncate(0, -1), "negative"},
		} {
			for how, f := range map[string]func() error{
				"submit": func() error { _, err := r.Submit(c.req); return err },
				"queue":  func() error { _, err := r.Queue(c.req); return err },
				"all":    func() error { return r.SubmitAll([]ops.Request{c.req}, nil) },
				"do":     func() error { _, err := r.Do(context.Background(), c.req); return err },
			} {
				err := f()
				require.ErrorIs(t, err, ops.ErrInvalid, "%s %s", name, how)
				require.ErrorIs(t, err, syscall.EINVAL)
				if (name != "linked" || how != "all") && (name != "mode" || how != "do") {
					assert.ErrorContains(t, err, c.want, "%s %s", name, how)
				}
				assert.NotContains(t, err.Error(), "\n")
			}
		}
		assert.Zero(t, r.Stats().Submitted)
		stillWorks(t, r)
	})
}

// Requests that fail in the kernel: the error names operation and target.
func TestFailingRequests(t *testing.T) {
	buf := make([]byte, 8)
	closed, err := unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Close(closed))
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		before := testkit.Descriptors()
		in, out := pipe(t)
		for name, c := range map[string]struct {
			req   ops.Request
			errno syscall.Errno
			want  string
		}{
			"closed":            {ops.Read(1<<20, buf, 0), syscall.EBADF, "read fd 1048576"},
			"negative":          {ops.Read(-1, buf, 0), syscall.EBADF, "read fd -1"},
			"huge":              {ops.Read(math.MaxInt, buf, 0), syscall.EBADF, "read"},
			"poll":              {readiness.Once(-7, readiness.In), syscall.EBADF, "poll"},
			"recv on a pipe":    {ops.Recv(in, buf, 0), syscall.ENOTSOCK, "recv fd"},
			"accept on a pipe":  {ops.Accept(in, 0), syscall.ENOTSOCK, "accept fd"},
			"write to the read": {ops.Write(in, buf, ops.Current), syscall.EBADF, "write fd"},
			"read of the write": {ops.Read(out, buf, ops.Current), syscall.EBADF, "read fd"},
			"missing file":      {ops.Open("/no/such/file", 0, 0), syscall.ENOENT, "openat /no/such/file"},
			"file as folder":    {ops.Open("/proc/self/exe/x", 0, 0), syscall.ENOTDIR, "openat"},
			"long name":         {ops.Open("/"+strings.Repeat("a", 4000), 0, 0), syscall.ENAMETOOLONG, "openat"},
			"close":             {ops.Close(1 << 20), syscall.EBADF, "close fd"},
			"splice":            {ops.Splice(in, 0, out, ops.Current, 1, 0), syscall.ESPIPE, "splice fd"},
			"change":            {readiness.Change(1<<24|5, readiness.In), syscall.ENOENT, "poll update"},
		} {
			submit(t, r, c.req.WithTag(name))
			require.NoError(t, r.Flush())
			dst := make([]ops.Completion, 1)
			_, err := r.Wait(dst, 1, patience)
			require.NoError(t, err, name)
			got := dst[0]
			require.ErrorIs(t, got.Err(), c.errno, name)
			assert.ErrorContains(t, got.Err(), c.want, name)
			assert.ErrorContains(t, got.Err(), c.errno.Error())
			assert.Equal(t, -int32(c.errno), got.Res)
			assert.Zero(t, got.N())
			assert.Equal(t, -1, got.FD())
			assert.Empty(t, got.Bytes())
		}
		stillWorks(t, r)
		assert.Equal(t, before+2, testkit.Descriptors())
	})
}

// Empty buffers transfer nothing, and nil ones are no fault.
func TestEmptyBuffers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		f, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		defer func() { _ = f.Close() }()
		fd := int(f.Fd())
		a, b := socketpair(t, 0)
		write(t, b, "x")
		for _, buf := range [][]byte{nil, {}} {
			for _, req := range []ops.Request{
				ops.Read(fd, buf, 0), ops.Write(fd, buf, 0), ops.Read(fd, buf, ops.Current),
				ops.Send(a, buf, 0), ops.Recv(a, buf, 0), ops.Readv(fd, nil, 0), ops.Readv(fd, [][]byte{buf, buf}, 0),
			} {
				submit(t, r, req)
				c := takeOne(t, r)
				require.NoError(t, c.Err())
				require.Zero(t, c.N())
				require.Empty(t, c.Bytes())
			}
		}
	})
}

// Buffers longer than the kernel moves at once: the transfer is a short one
// (trap 19).
func TestHugeBuffers(t *testing.T) {
	size := int64(5 << 30)
	if int64(int(size)) != size {
		t.Skip("no address space for that")
	}
	huge, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		t.Skip("address space: ", err)
	}
	defer func() { require.NoError(t, unix.Munmap(huge)) }()
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		write(t, out, "text")
		submit(t, r, ops.Read(in, huge, ops.Current))
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, "text", string(c.Bytes()))
		null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		closeAtEnd(t, null)
		submit(t, r, ops.Write(null, huge, 0)) // it reads nothing
		c = takeOne(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, ops.MaxTransfer, c.N())
		require.Len(t, c.Bytes(), ops.MaxTransfer)
	})
}

// Calls of Wait that make no sense do nothing.
func TestInvalidWaits(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		queue(t, r, ops.Nop())
		dst := make([]ops.Completion, 2)
		for _, c := range []struct {
			dst  []ops.Completion
			min  int
			want string
		}{
			{nil, 0, "empty"}, {nil, 1, "empty"}, {dst[:0], 0, "empty"}, {dst, 3, "min 3"}, {dst, -1, "min -1"},
		} {
			for _, timeout := range []time.Duration{0, time.Hour, ring.Forever} {
				n, err := r.Wait(c.dst, c.min, timeout)
				require.ErrorIs(t, err, ops.ErrInvalid)
				require.Zero(t, n)
				assert.ErrorContains(t, err, c.want)
			}
		}
		take(t, r, 1)
		stillWorks(t, r)
	})
}

// Files end with a read of 0, and give less than asked for before (trap 19).
func TestShortReads(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		name := t.TempDir() + "/file"
		require.NoError(t, os.WriteFile(name, []byte("0123456789"), 0o600))
		f, err := os.Open(name)
		require.NoError(t, err)
		defer func() { _ = f.Close() }()
		for _, c := range []struct {
			off  int64
			want string
		}{{0, "01234567"}, {8, "89"}, {9, "9"}, {10, ""}, {1 << 40, ""}} {
			submit(t, r, ops.Read(int(f.Fd()), make([]byte, 8), c.off).Keeping(f))
			got := takeOne(t, r)
			require.NoError(t, got.Err())
			require.Equal(t, c.want, string(got.Bytes()))
		}
	})
}
