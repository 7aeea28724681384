package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Without any opcode nearly everything has another route.
func TestMissingOperationsWithSource(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		var none []uring.Op
		for op := range uring.OpLast + 1 {
			none = append(none, op)
		}
		r.Forbid(none...)
		var unavailable []ops.Code
		for _, o := range r.Info().Operations {
			assert.NotEqual(t, ring.Native, o.Route, o.Code)
			assert.Equal(t, o.Opcode == "", o.Since == "", o.Code)
			if o.Route == ring.Unavailable {
				unavailable = append(unavailable, o.Code)
			}
		}
		assert.ElementsMatch(t, []ops.Code{ops.CodeRegister, ops.CodeInstall, ops.CodeSendDirect, ops.CodeReadFile,
			ops.CodePollUpdate, ops.CodeReadMulti}, unavailable)
		do(t, r, ops.Nop())
		_, err := r.Post("still", ops.Normal)
		require.NoError(t, err)
		assert.Equal(t, "still", next(t, r).Tag)
		r.Forbid()
		stillWorks(t, r)
	})
}

// What a request that the kernel's list allows gets for an answer is the kernel's,
// whatever the list says. (trap 43)
func TestKernelAnswersForItself(t *testing.T) {
	needs(t, "6.10")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		for _, errno := range []syscall.Errno{syscall.EOPNOTSUPP, syscall.EINVAL, syscall.ENOSYS} {
			for range 2 { // it is not remembered
				nop := ops.Nop()
				nop.Flags, nop.Len = uring.NopInjectResult, uint32(-int32(errno))
				fails(t, r, nop, errno, "")
			}
		}
		stillWorks(t, r)
	})
}

// The table names every operation, and agrees with the kernel's own list.
func TestInfoOperations(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		u, err := uring.Setup(uring.Options{Entries: 1})
		require.NoError(t, err)
		defer func() { require.NoError(t, u.Close()) }()
		probe, err := u.Probe()
		require.NoError(t, err)
		table := r.Info().Operations
		require.Len(t, table, ops.Codes-1)
		for i, o := range table {
			assert.EqualValues(t, i+1, o.Code)
			op, native := uring.Opcode(o.Code)
			switch o.Route {
			case ring.Native:
				assert.True(t, native && probe.Has(op), o.Code)
			case ring.Unavailable:
				assert.True(t, native && !probe.Has(op) && !isPortable(r), o.Code)
			}
		}
		native := ring.Native
		if isPortable(r) {
			native = ring.Emulated
		}
		byCode := func(c ops.Code) ring.Operation { return table[c-1] }
		assert.Equal(t, ring.Operation{Code: ops.CodeOpen, Route: native, Opcode: "OPENAT", Since: "5.6"}, byCode(ops.CodeOpen))
		assert.Equal(t, ring.Operation{Code: ops.CodeNop, Route: native, Opcode: "NOP", Since: "5.1"}, byCode(ops.CodeNop))
		assert.Equal(t, ring.Operation{Code: ops.CodeCall, Route: ring.Emulated}, byCode(ops.CodeCall))
	})
}

// From Submit to Wait, what is done often allocates nothing.
func TestHotOperationsDoNotAllocate(t *testing.T) {
	countsAllocations(t)
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "contents")
		a, b := unixPair(t, unix.SOCK_DGRAM)
		buf := make([]byte, 8)
		dst := make([]ops.Completion, 4)
		advice := ops.Fadvise(fd, 0, 0, unix.FADV_NORMAL)
		size := ops.Fgetxattr(fd, "user.none", nil)
		if !can(r, size.Code) {
			size = advice
		}
		for name, f := range map[string]func() ops.Request{
			"nop":      ops.Nop,
			"read":     func() ops.Request { return ops.Read(fd, buf, 0) },
			"write":    func() ops.Request { return ops.Write(fd, buf, 0) },
			"send":     func() ops.Request { return ops.Send(a, nil, 0) },
			"timer":    func() ops.Request { return ops.Timer(0) },
			"fadvise":  func() ops.Request { return advice },
			"xattr":    func() ops.Request { return size },
			"deadline": func() ops.Request { return ops.Nop().WithTimeout(patience) },
		} {
			once := func() {
				if _, err := r.Submit(f()); err != nil {
					t.Fatal(err)
				}
				if n, err := r.Wait(dst, 1, ring.Forever); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				if name == "send" { // take it out again
					_, _ = r.Submit(ops.Recv(b, buf, 0))
					_, _ = r.Wait(dst, 1, ring.Forever)
				}
			}
			for range 100 {
				once()
			}
			assert.Zero(t, testing.AllocsPerRun(200, once), name)
		}
	})
}
