package perform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// callOf returns the Call of a request on ordinary descriptors.
func callOf(t testing.TB, req ops.Request) *Call {
	t.Helper()
	require.NoError(t, req.Validate())
	c := new(Call)
	uring.Encode(&c.SQE, &req, 0)
	c.FD, c.FDIn = c.SQE.FD, int32(c.SQE.FileIndex)
	return c
}

// try requires that req is done without waiting.
func try(t testing.TB, req ops.Request) int32 {
	t.Helper()
	res, next := callOf(t, req).Try()
	require.Equal(t, Done, next, "%v", req)
	return res
}

// waits requires that req waits, and returns its Call.
func waits(t testing.TB, want Next, req ops.Request) *Call {
	t.Helper()
	c := callOf(t, req)
	_, next := c.Try()
	require.Equal(t, want, next, "%v", req)
	return c
}

// pipe returns both ends of one, which end with the test.
func pipe(t testing.TB, flags int) (rd, wr int) {
	t.Helper()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], flags|unix.O_CLOEXEC))
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// pair returns two connected sockets, which end with the test.
func pair(t testing.TB, kind int) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func file(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTransferOfFile(t *testing.T) {
	f := file(t, "0123456789")
	b := make([]byte, 20)
	assert.EqualValues(t, 7, callOf(t, ops.Read(int(f.Fd()), b, 3)).Do())
	assert.Equal(t, "3456789", string(b[:7]))
	assert.EqualValues(t, 0, callOf(t, ops.Read(int(f.Fd()), b, 10)).Do())
	assert.EqualValues(t, 3, callOf(t, ops.Write(int(f.Fd()), []byte("abc"), 9)).Do())
	c := callOf(t, ops.Readv(int(f.Fd()), [][]byte{b[:5], b[5:8]}, ops.Current))
	assert.EqualValues(t, 8, c.Do())
	assert.EqualValues(t, 4, callOf(t, ops.Read(int(f.Fd()), b, ops.Current)).Do())
	assert.Equal(t, "8abc", string(b[:4]))
}

// trap 10
func TestTransferOfPipe(t *testing.T) {
	for _, flags := range []int{0, unix.O_NONBLOCK} {
		if flags == 0 && !testkit.KernelHas("6.4") {
			continue // such pipes are for workers: they do not know RWF_NOWAIT
		}
		rd, wr := pipe(t, flags)
		b := make([]byte, 10)
		c := waits(t, WaitIn, ops.Read(rd, b, 0))
		assert.EqualValues(t, 3, try(t, ops.Write(wr, []byte("abc"), 0)))
		res, next := c.Try()
		require.Equal(t, Done, next)
		assert.EqualValues(t, 3, res)
	}
}

func TestSocket(t *testing.T) {
	a, b := pair(t, unix.SOCK_STREAM)
	buf := make([]byte, 10)
	some := waits(t, WaitIn, ops.Recv(b, buf[:5], 0))
	assert.EqualValues(t, 3, try(t, ops.Send(a, []byte("abc"), 0)))
	res, next := some.Try()
	assert.Equal(t, Done, next)
	assert.EqualValues(t, 3, res)
	all := waits(t, WaitIn, ops.Recv(b, buf[:5], unix.MSG_WAITALL))
	for _, last := range []bool{false, true} {
		assert.EqualValues(t, 3, try(t, ops.Send(a, []byte("def"), 0)))
		res, next = all.Try()
		assert.Equal(t, last, next == Done)
	}
	assert.EqualValues(t, 5, res)
	assert.Equal(t, "defde", string(buf[:5]))
	assert.EqualValues(t, -int32(unix.EAGAIN), try(t, ops.Recv(a, buf, unix.MSG_DONTWAIT)))
}
