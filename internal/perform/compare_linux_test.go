package perform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// way carries an entry out and returns the result of its completion. Whose memory
// the entry names keeps it reachable.
type way func(t testing.TB, e uring.SQE) int32

// ways are the kernel's ring, and what this package has in its place.
func ways(t testing.TB) map[string]way {
	if !testkit.KernelHas("6.16") {
		t.Skip("needs Linux 6.16, whose ring has all that this package has")
	}
	ring, err := uring.Setup(uring.Options{Entries: 8})
	if err != nil {
		t.Skipf("nothing to compare with: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, ring.Close()) })
	return map[string]way{
		"ring": func(t testing.TB, e uring.SQE) int32 { return inRing(t, ring, e) },
		"try":  tried,
		"do":   func(_ testing.TB, e uring.SQE) int32 { return finished(callOf(e)) },
	}
}

func inRing(t testing.TB, r *uring.Ring, e uring.SQE) (res int32) {
	*r.SQ.Next() = e
	_, err := r.Enter(r.SQ.Publish(), 0, 0, -1, 0)
	require.NoError(t, err)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if c := r.CQ.Peek(); c != nil {
			if c.Flags&uring.CQEFlagNotif == 0 {
				res = c.Res
			}
			more := c.Flags&uring.CQEFlagMore != 0 // what it has borrowed is not given back yet
			r.CQ.Advance(1)
			if !more {
				return res
			}
			continue
		}
		_, _ = r.Enter(0, 1, 0, time.Second, 0)
	}
	require.FailNow(t, "no completion")
	return 0
}

func callOf(e uring.SQE) *perform.Call {
	return &perform.Call{SQE: e, FD: e.FD, FDIn: int32(e.FileIndex)}
}

// finished goes on where a signal of the runtime's own has ended a system call.
func finished(c *perform.Call) int32 {
	for {
		if res := c.Do(); res != -int32(unix.EINTR) {
			return res
		}
	}
}

// tried carries e out as an engine does.
func tried(t testing.TB, e uring.SQE) int32 {
	c := callOf(e)
	for range 1000 {
		res, next := c.Try()
		switch next {
		case perform.Done:
			return res
		case perform.WaitIn:
			poll(t, c.FD, unix.POLLIN)
		case perform.WaitInput:
			poll(t, c.FDIn, unix.POLLIN)
		case perform.WaitOut:
			poll(t, c.FD, unix.POLLOUT)
		case perform.Worker:
			return finished(c)
		default:
			require.FailNow(t, "for the engine", "%v", e)
		}
	}
	require.FailNow(t, "it waits for what is ready", "%v", e)
	return 0
}

func poll(t testing.TB, fd int32, events int16) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: fd, Events: events}}, 60_000)
		if err == unix.EINTR {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, 1, n, "not ready within a minute")
		return
	}
}

// stage is where a comparison acts: a folder of its own, and the way to take.
type stage struct {
	testing.TB
	name  string
	dir   string
	entry way
	log   []any // what happened, which must be equal
}

// way carries req out.
func (s *stage) way(req ops.Request) int32 {
	s.Helper()
	require.NoError(s, req.Validate())
	var e uring.SQE
	uring.Encode(&e, &req, 7)
	defer runtime.KeepAlive(req)
	return s.entry(s, e)
}

// do carries req out and notes the result.
func (s *stage) do(req ops.Request) int32 {
	s.Helper()
	res := s.way(req)
	s.log = append(s.log, fmt.Sprint(req.Code), describe(res))
	return res
}

// open is do for what makes a descriptor, whose number is not noted. It ends with
// the test.
func (s *stage) open(req ops.Request) int {
	s.Helper()
	res := s.way(req)
	if res < 0 {
		s.log = append(s.log, fmt.Sprint(req.Code), describe(res))
		return -1
	}
	s.Cleanup(func() { _ = unix.Close(int(res)) })
	flags, err := unix.FcntlInt(uintptr(res), unix.F_GETFL, 0)
	require.NoError(s, err)
	cloexec, err := unix.FcntlInt(uintptr(res), unix.F_GETFD, 0)
	require.NoError(s, err)
	s.log = append(s.log, fmt.Sprint(req.Code), fmt.Sprintf("a descriptor, flags %#x and %d", flags, cloexec))
	return int(res)
}

func (s *stage) note(what ...any) { s.log = append(s.log, what...) }

func describe(res int32) string {
	if res < 0 {
		return unix.ErrnoName(syscall.Errno(-res))
	}
	return fmt.Sprint(res)
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) file(name, content string) int {
	require.NoError(s, os.WriteFile(s.path(name), []byte(content), 0o600))
	fd, err := unix.Open(s.path(name), unix.O_RDWR|unix.O_CLOEXEC, 0)
	require.NoError(s, err)
	s.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func (s *stage) pipe() (rd, wr int) {
	var fds [2]int
	require.NoError(s, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	s.Cleanup(func() { _ = unix.Close(fds[0]); _ = unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func (s *stage) pair(kind int) (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	require.NoError(s, err)
	s.Cleanup(func() { _ = unix.Close(fds[0]); _ = unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// closed returns the number of a descriptor that is none.
const closed = 1 << 20

// compare acts once in each way and requires that the same has happened.
func compare(t *testing.T, act func(s *stage)) {
	t.Helper()
	all := ways(t)
	logs := map[string][]any{}
	for name, w := range all {
		dir := filepath.Join(t.TempDir(), "stage")
		require.NoError(t, os.Mkdir(dir, 0o700))
		s := &stage{TB: t, name: name, dir: dir, entry: w}
		act(s)
		logs[name] = s.log
	}
	assert.Equal(t, logs["ring"], logs["try"], "ring, try")
	assert.Equal(t, logs["ring"], logs["do"], "ring, do")
}
