package ring_test

import (
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Children get neither the descriptor nor the memory of a ring (trap 12).
func TestChildrenInheritNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		stillWorks(t, r)
		if !isPortable(r) {
			require.NotZero(t, testkit.RingDescriptors())
		}
		out, err := exec.Command("/bin/ls", "-l", "/proc/self/fd").CombinedOutput()
		require.NoError(t, err, string(out))
		assert.NotContains(t, string(out), "io_uring")
		assert.NotContains(t, string(out), "eventfd")
		assert.NotContains(t, string(out), "eventpoll")
		out, err = exec.Command("/bin/cat", "/proc/self/maps").CombinedOutput()
		require.NoError(t, err)
		assert.NotContains(t, string(out), "io_uring")
		stillWorks(t, r)
	})
}

// A shortage of descriptors is said to be one, with what to do about it, and
// leaves nothing behind (trap 40).
func TestNewWithoutDescriptors(t *testing.T) {
	testkit.Child(t, func() {
		for _, pinned := range []bool{false, true} {
			used := testkit.Descriptors()
			failed := 0
			// The first that fail find no descriptor at all, the last ones too few.
			for limit := uint64(3); ; limit++ {
				require.Less(t, limit, uint64(1000), "New never succeeds")
				setLimit(t, limit)
				r, err := ring.New(ring.Config{Pinned: pinned})
				setLimit(t, 1000)
				if err == nil {
					closeRing(t, r)
					break
				}
				require.ErrorIs(t, err, syscall.EMFILE)
				require.NotErrorIs(t, err, ops.ErrNotSupported)
				require.Equal(t, used, testkit.Descriptors(), "the failure left descriptors behind")
				if failed++; limit == 3 {
					assert.ErrorContains(t, err, "RLIMIT_NOFILE")
					assert.ErrorContains(t, err, "ulimit -n")
				}
			}
			assert.NotZero(t, failed)
		}
	})
}

func setLimit(t *testing.T, n uint64) {
	t.Helper()
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: old.Max}))
}

// Requests that need a descriptor where there is none fail, and are the only
// ones.
func TestRequestsWithoutDescriptors(t *testing.T) {
	testkit.Child(t, func() {
		eachMode(t, func(t *testing.T, newRing maker) {
			r := newRing(ring.Config{})
			listening, addr := listener(t, 0, 4)
			dial(t, addr)
			setLimit(t, 3)
			submit(t, r, ops.AcceptMulti(listening, 0).WithTag("accept"))
			submit(t, r, ops.Open("/", unix.O_RDONLY, 0).WithTag("open"))
			submit(t, r, ops.Nop().WithTag("nop"))
			all := byTag(t, take(t, r, 3))
			setLimit(t, 1000)
			a, o, n := all["accept"], all["open"], all["nop"]
			assert.ErrorIs(t, a.Err(), syscall.EMFILE)
			assert.False(t, a.More)
			assert.ErrorIs(t, o.Err(), syscall.EMFILE)
			assert.NoError(t, n.Err())
			stillWorks(t, r)
		})
	})
}

// Where a sandbox or a sysctl forbids io_uring New says so if that was asked for, and
// takes the portable engine if not (trap 42).
func TestNewInSandbox(t *testing.T) {
	t.Setenv("SLUICE_ENGINE", "auto")
	for name, answer := range map[string]struct {
		errno syscall.Errno
		words string
	}{
		"docker": {syscall.EPERM, "seccomp"},
		"gvisor": {syscall.ENOSYS, "Linux 5.11"},
		"policy": {syscall.EACCES, "security module"},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Child(t, func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				require.NoError(t, testkit.Refuse(answer.errno, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_REGISTER))
				for _, pinned := range []bool{false, true} {
					_, err := ring.New(ring.Config{Engine: ring.IOURing, Pinned: pinned})
					require.ErrorIs(t, err, ops.ErrNotSupported)
					require.ErrorIs(t, err, answer.errno)
					assert.ErrorContains(t, err, answer.words)
					assert.ErrorContains(t, err, "Portable")
					r, err := ring.New(ring.Config{Pinned: pinned})
					require.NoError(t, err)
					assert.Equal(t, ring.Portable, r.Info().Engine)
					assert.Contains(t, r.Info().Reason, answer.words)
					stillWorks(t, r)
					closeRing(t, r)
				}
			})
		})
	}
}

// One of the three calls may be forbidden alone.
func TestNewInSandboxWithoutEnter(t *testing.T) {
	t.Setenv("SLUICE_ENGINE", "auto")
	testkit.Child(t, func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		require.NoError(t, testkit.Refuse(syscall.EPERM, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_ENTER))
		used := testkit.Descriptors()
		_, err := ring.New(ring.Config{Engine: ring.IOURing})
		require.ErrorIs(t, err, ops.ErrNotSupported)
		require.Equal(t, used, testkit.Descriptors())
		r, err := ring.New(ring.Config{})
		require.NoError(t, err)
		assert.Equal(t, ring.Portable, r.Info().Engine)
		closeRing(t, r)
	})
}

// A pinned Ring does without a registered descriptor where it is not allowed.
func TestNewInSandboxWithoutRegister(t *testing.T) {
	testkit.Child(t, func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		require.NoError(t, testkit.Refuse(syscall.EPERM, unix.SYS_IO_URING_REGISTER, unix.SYS_IO_URING_REGISTER))
		r, err := ring.New(ring.Config{Pinned: true})
		if err != nil {
			require.ErrorIs(t, err, ops.ErrNotSupported)
			return
		}
		stillWorks(t, r)
		closeRing(t, r)
	})
}

// trap 40
func TestHintsOfNew(t *testing.T) {
	t.Setenv("SLUICE_ENGINE", "auto")
	testkit.Child(t, func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		require.NoError(t, testkit.Refuse(syscall.ENOMEM, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_SETUP))
		_, err := ring.New(ring.Config{Engine: ring.IOURing})
		require.ErrorIs(t, err, syscall.ENOMEM)
		require.NotErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "RLIMIT_MEMLOCK")
	})
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  ring.Config
		want string
	}{
		{ring.Config{Entries: -1}, "Config.Entries -1"},
		{ring.Config{Entries: ring.MaxEntries + 1}, "32768"},
		{ring.Config{Capacity: -5}, "Config.Capacity -5"},
		{ring.Config{Capacity: ring.MaxCapacity + 1}, "Config.Capacity"},
		{ring.Config{InFlight: -1}, "Config.InFlight -1"},
		{ring.Config{InFlight: ring.MaxCapacity + 1}, "Config.InFlight"},
		{ring.Config{Capacity: 10, InFlight: 11}, "Config.InFlight 11"},
		{ring.Config{Engine: 77}, "Config.Engine 77"},
	} {
		for _, pinned := range []bool{false, true} {
			c.cfg.Pinned = pinned
			_, err := ring.New(c.cfg)
			require.ErrorIs(t, err, ops.ErrInvalid, "%+v", c.cfg)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "ring.New")
		}
	}
}

// Absurd but allowed.
func TestConfigAtItsLimits(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, cfg := range []ring.Config{
			{Entries: 1, Capacity: 1, InFlight: 1},
			{Entries: ring.MaxEntries, Capacity: ring.MaxCapacity, InFlight: ring.MaxCapacity},
			{Capacity: ring.MaxCapacity, InFlight: 1},
			{CloseTimeout: -1}, {CloseTimeout: 1<<63 - 1},
		} {
			r := newRing(cfg)
			stillWorks(t, r)
			in, _ := pipe(t)
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current))
			require.NoError(t, r.Close())
		}
	})
}

func TestEngineFromEnvironment(t *testing.T) {
	for value, want := range map[string]ring.Engine{
		"": ring.IOURing, "auto": ring.IOURing, "iouring": ring.IOURing, "portable": ring.Portable,
	} {
		t.Setenv("SLUICE_ENGINE", value)
		for _, engine := range []ring.Engine{ring.Auto, ring.IOURing, ring.Portable} {
			r, err := ring.New(ring.Config{Engine: engine})
			require.NoError(t, err)
			info := r.Info()
			asked := engine == ring.Auto && (value == "iouring" || value == "portable")
			if engine == ring.Auto {
				engine = want
			}
			assert.Equal(t, engine, info.Engine)
			assert.NotEmpty(t, info.Reason)
			assert.Equal(t, asked, strings.Contains(info.Reason, "SLUICE_ENGINE"))
			closeRing(t, r)
		}
	}
	t.Setenv("SLUICE_ENGINE", "nonsense")
	_, err := ring.New(ring.Config{})
	require.ErrorIs(t, err, ops.ErrInvalid)
	require.ErrorContains(t, err, "SLUICE_ENGINE")
	for _, e := range []ring.Engine{ring.Auto, ring.IOURing, ring.Portable} {
		got, err := ring.ParseEngine(e.String())
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
	assert.Equal(t, "engine(9)", ring.Engine(9).String())
}

func TestInfo(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Entries: 5, Capacity: 100, InFlight: 7})
		info := r.Info()
		assert.Equal(t, 8, info.Entries)
		assert.Equal(t, 100, info.Capacity)
		assert.Equal(t, 7, info.InFlight)
		assert.NotEmpty(t, info.Kernel)
		assert.NotEmpty(t, info.Features)
		owned := info.Pinned && info.Engine == ring.IOURing && testkit.KernelHas("6.0")
		assert.Equal(t, owned, strings.Contains(info.Flags, "SINGLE_ISSUER"))
		for _, flag := range []string{"COOP", "SQPOLL", "IOPOLL"} { // traps 3 and 46
			assert.NotContains(t, info.Flags, flag)
		}
	})
}
