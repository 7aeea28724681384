package ring

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Only reads and writes carry a priority into the block layer, and Normal ones none
// of their own.
func TestIOPrioOfRequests(t *testing.T) {
	r := &Ring{}
	for realTime, highest := range map[bool]uint16{true: 1<<13 | 4, false: 2 << 13} {
		r.realTime.Store(realTime)
		for p, want := range map[ops.Priority]uint16{
			ops.Highest: highest, ops.High: 2<<13 | 2, ops.Normal: 0, ops.Low: 2<<13 | 6, ops.Lowest: 2<<13 | 7,
		} {
			for _, req := range []ops.Request{
				ops.Read(0, make([]byte, 1), 0), ops.Write(0, make([]byte, 1), 0),
				ops.Readv(0, [][]byte{{1}}, 0), ops.Writev(0, [][]byte{{1}}, 0),
			} {
				s := &slot{req: req.WithPriority(p)}
				var q uring.SQE
				r.encode(&q, s, 1)
				assert.Equal(t, want, q.Ioprio, "%v %v", req.Code, p)
				assert.Equal(t, want == 1<<13|4, s.marks&urgentIO != 0)
			}
			for _, req := range []ops.Request{
				ops.Fsync(0), ops.Nop(), ops.Send(0, make([]byte, 1), 0), ops.Accept(0, 0), ops.Splice(0, 0, 0, 0, 1, 0),
			} {
				var q uring.SQE
				r.encode(&q, &slot{req: req.WithPriority(p)}, 1)
				assert.Zero(t, q.Ioprio, "%v %v", req.Code, p)
			}
		}
	}
}

// setNice gives the calling thread the capabilities for the real-time class, or
// takes them away, and reports whether that worked.
func setNice(t *testing.T, on bool) bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	require.NoError(t, unix.Capget(&head, &data[0]))
	const caps = 1<<unix.CAP_SYS_NICE | 1<<unix.CAP_SYS_ADMIN
	if data[0].Permitted&(1<<unix.CAP_SYS_NICE) == 0 {
		return false
	}
	data[0].Effective &^= caps
	if on {
		data[0].Effective |= caps & data[0].Permitted
	}
	require.NoError(t, unix.Capset(&head, &data[0]))
	return true
}

// transfer reads and writes at every priority, alone and in a chain.
func transfer(t *testing.T, r *Ring, file int) {
	t.Helper()
	buf := make([]byte, 512)
	for p := ops.Lowest; p <= ops.Highest; p++ {
		c, err := r.Do(context.Background(), ops.Write(file, buf, 0).WithPriority(p))
		require.NoError(t, err, p)
		require.Equal(t, len(buf), c.N())
		c, err = r.Do(context.Background(), ops.Read(file, buf, 0).WithPriority(p))
		require.NoError(t, err, p)
		require.Equal(t, len(buf), c.N())
		require.NoError(t, r.SubmitAll(ops.Chain(
			ops.Nop(), ops.Write(file, buf, 0).WithPriority(p), ops.Read(file, buf, 0).WithPriority(p), ops.Nop()), nil))
		var dst [4]ops.Completion
		n, err := r.Wait(dst[:], 4, faultPatience)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		for _, c := range dst {
			require.NoError(t, c.Err(), p)
		}
	}
}

// The real-time class is used where it is permitted, and done without elsewhere:
// from the beginning, or from when the permission was given up (trap 45).
func TestIOPrioPermission(t *testing.T) {
	testkit.Child(t, func() {
		runtime.LockOSThread() // its capabilities are its own; they end with the child
		file, err := unix.Open(t.TempDir()+"/file", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
		require.NoError(t, err)
		defer unix.Close(file)
		for _, pinned := range []bool{false, true} {
			able := setNice(t, true)
			r, err := New(Config{Engine: IOURing, Pinned: pinned})
			require.NoError(t, err)
			assert.Equal(t, able, r.Info().RealTime)
			transfer(t, r, file)
			setNice(t, false)
			transfer(t, r, file)
			assert.False(t, r.Info().RealTime)
			require.NoError(t, r.Close())

			r, err = New(Config{Engine: IOURing, Pinned: pinned})
			require.NoError(t, err)
			assert.False(t, r.Info().RealTime)
			transfer(t, r, file)
			require.NoError(t, r.Close())
		}
	})
}

// A refusal that has other reasons stays one.
func TestIOPrioAndSealedFile(t *testing.T) {
	fd, err := unix.MemfdCreate("sealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	require.NoError(t, err)
	defer unix.Close(fd)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
	require.NoError(t, err)
	r, err := New(Config{})
	require.NoError(t, err)
	for p := ops.Lowest; p <= ops.Highest; p++ {
		_, err = r.Do(context.Background(), ops.Write(fd, []byte("x"), 0).WithPriority(p))
		require.ErrorIs(t, err, unix.EPERM)
	}
	require.NoError(t, r.Close())
}
