package ring_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A request with a personality is carried out with its credentials, and others with
// the Ring's. (trap 45)
func TestPersonality(t *testing.T) {
	needs(t, "5.6")
	if os.Getuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
	for i := range 2 * len(engines) {
		engine, pinned := engines[i/2], i%2 == 1
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte("secret"), 0o600))
		onDyingThread(t, func() {
			r, err := ring.New(ring.Config{Engine: engine, Pinned: pinned})
			if !assert.NoError(t, err) {
				return
			}
			defer closeRing(t, r)
			// Only the user for file systems: the thread stays root otherwise.
			_, _, _ = unix.RawSyscall(unix.SYS_SETFSUID, 54321, 0, 0)
			id, err := r.RegisterPersonality()
			_, _, _ = unix.RawSyscall(unix.SYS_SETFSUID, 0, 0, 0)
			if !assert.NoError(t, err) || !assert.NotZero(t, id) {
				return
			}
			open := ops.Open(path, unix.O_RDONLY, 0)
			fails(t, r, open.WithPersonality(id), syscall.EACCES, path)
			fd := do(t, r, open).FD()
			assert.NoError(t, unix.Close(fd))
			if testkit.KernelHas("6.0") {
				fails(t, r, ops.ReadFile(path, make([]byte, 10)).WithPersonality(id), syscall.EACCES, path)
				assert.Equal(t, 6, do(t, r, ops.ReadFile(path, make([]byte, 10))).N())
			}
			assert.NoError(t, r.UnregisterPersonality(id))
			fails(t, r, open.WithPersonality(id), syscall.EINVAL, path)
			assert.ErrorIs(t, r.UnregisterPersonality(id), syscall.EINVAL)
		})
	}
}

func TestPersonalityErrors(t *testing.T) {
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	serve(t, r, during(t, func() {
		_, err := r.RegisterPersonality()
		assert.ErrorIs(t, err, ops.ErrWrongThread)
		assert.ErrorIs(t, r.UnregisterPersonality(1), ops.ErrWrongThread)
	}))
	closeRing(t, r)
	_, err = r.RegisterPersonality()
	assert.ErrorIs(t, err, ops.ErrClosed)
	assert.ErrorIs(t, r.UnregisterPersonality(1), ops.ErrClosed)
}
