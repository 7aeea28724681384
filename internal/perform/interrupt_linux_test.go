package perform_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// interrupted runs c in a thread that a signal reaches while it blocks, and
// returns what Do returns.
func interrupted(t *testing.T, c *perform.Call) int32 {
	t.Helper()
	if !interrupt.Supported {
		t.Skip("no signal interrupts calls on this architecture")
	}
	var run interrupt.Call
	thread, result := make(chan int, 1), make(chan int32, 1)
	go run.Run(func() {
		thread <- unix.Gettid()
		result <- c.Do()
	})
	tid := <-thread
	require.Eventually(t, func() bool { return asleep(tid) }, time.Minute, time.Millisecond)
	run.Interrupt()
	return <-result
}

// asleep reports whether a thread of this process waits in a system call.
func asleep(tid int) bool {
	stat, _ := os.ReadFile("/proc/self/task/" + strconv.Itoa(tid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "S")
}

func encoded(t *testing.T, req ops.Request) *perform.Call {
	t.Helper()
	require.NoError(t, req.Validate())
	t.Cleanup(func() { _ = req.Code }) // keeps what it names reachable
	var e uring.SQE
	uring.Encode(&e, &req, 0)
	return callOf(e)
}

// Each of these waits in a system call that a signal ends, and goes on with the
// next Do.
func TestInterrupted(t *testing.T) {
	buf := make([]byte, 8)
	for _, flags := range []int{0, unix.O_NONBLOCK} {
		s := &stage{TB: t}
		var fds [2]int
		require.NoError(t, unix.Pipe2(fds[:], flags|unix.O_CLOEXEC))
		a, b := s.pair(unix.SOCK_STREAM | flags)
		listener := s.listener(flags)
		ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		require.NoError(t, err)
		require.NoError(t, unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fds[0], &unix.EpollEvent{Events: unix.EPOLLIN}))
		rd2, wr2 := s.pipe()

		read, recv := encoded(t, ops.Read(fds[0], buf, 0)), encoded(t, ops.Recv(a, buf, 0))
		accept := encoded(t, ops.Accept(listener, 0))
		wait := encoded(t, ops.EpollWait(ep, make([]unix.EpollEvent, 1)))
		splice := encoded(t, ops.Splice(fds[0], ops.Current, wr2, ops.Current, 1, 0))
		for name, c := range map[string]*perform.Call{
			"read": read, "recv": recv, "accept": accept, "epoll_wait": wait, "splice": splice,
		} {
			assert.Equal(t, -int32(unix.EINTR), interrupted(t, c), name)
			assert.Zero(t, c.Partial(), name)
		}
		_, err = unix.Write(fds[1], []byte("abc"))
		require.NoError(t, err)
		_, err = unix.Write(b, []byte("ab"))
		require.NoError(t, err)
		assert.EqualValues(t, 1, wait.Do())
		assert.EqualValues(t, 1, splice.Do())
		assert.EqualValues(t, 2, read.Do())
		assert.EqualValues(t, 2, recv.Do())
		for _, fd := range []int{fds[0], fds[1], ep, rd2} {
			_ = unix.Close(fd)
		}
	}
}

func (s *stage) listener(flags int) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	require.NoError(s, err)
	s.Cleanup(func() { _ = unix.Close(fd) })
	require.NoError(s, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(s, unix.Listen(fd, 1))
	return fd
}

// What has come before the signal is not lost.
func TestInterruptedHalfway(t *testing.T) {
	s := &stage{TB: t}
	for _, flags := range []int{0, unix.SOCK_NONBLOCK} {
		a, b := s.pair(unix.SOCK_STREAM | flags)
		buf := make([]byte, 6)
		c := encoded(t, ops.Recv(a, buf, unix.MSG_WAITALL))
		_, err := unix.Write(b, []byte("abc"))
		require.NoError(t, err)
		_, next := c.Try()
		require.Equal(t, perform.WaitIn, next)
		assert.Equal(t, -int32(unix.EINTR), interrupted(t, c))
		assert.EqualValues(t, 3, c.Partial())
		_, err = unix.Write(b, []byte("def"))
		require.NoError(t, err)
		assert.EqualValues(t, 6, c.Do())
		assert.Equal(t, "abcdef", string(buf))
	}
}

// A FIFO waits in open for its other end, and a full backlog in connect.
func TestInterruptedOpenAndConnect(t *testing.T) {
	s := &stage{TB: t, dir: t.TempDir()}
	require.NoError(t, unix.Mkfifo(s.path("fifo"), 0o600))
	open := encoded(t, ops.Open(s.path("fifo"), unix.O_WRONLY, 0))
	_, next := open.Try()
	require.Equal(t, perform.Worker, next)
	assert.Equal(t, -int32(unix.EINTR), interrupted(t, open))

	addr := &unix.SockaddrUnix{Name: s.path("socket")}
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(listener) }()
	require.NoError(t, unix.Bind(listener, addr))
	require.NoError(t, unix.Listen(listener, 0))
	first, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(first) }()
	require.NoError(t, unix.Connect(first, addr))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fd) }()
	connect := encoded(t, ops.Connect(fd, ops.UNIX(s.path("socket"))))
	_, next = connect.Try()
	require.Equal(t, perform.Worker, next)
	assert.Equal(t, -int32(unix.EINTR), interrupted(t, connect))
	accepted, _, err := unix.Accept(listener)
	require.NoError(t, err)
	_ = unix.Close(accepted)
	assert.Zero(t, connect.Do())
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	require.NoError(t, err)
	assert.Zero(t, status&unix.O_NONBLOCK)
}
