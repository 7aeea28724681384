package ring_test

import (
	"os"
	"os/exec"
	"strconv"
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

// everything is what a poll can ask for.
const everything = readiness.In | readiness.Pri | readiness.Out | readiness.RdHup

// sees performs a poll of fd for everything, and compares with poll(2).
func sees(t testing.TB, r *ring.Ring, fd int, want readiness.Events) {
	t.Helper()
	c := do(t, r, readiness.Once(fd, everything))
	assert.Equal(t, want, readiness.Of(c))
	plain := []unix.PollFd{{Fd: int32(fd), Events: int16(everything)}}
	_, err := unix.Poll(plain, 0)
	require.NoError(t, err)
	assert.Equal(t, readiness.Events(uint16(plain[0].Revents)), readiness.Of(c), "what poll(2) says")
}

// A poll of fd for In waits; once happen was called it completes.
func becomesReadable(t testing.TB, r *ring.Ring, fd int, happen func()) {
	t.Helper()
	cancels(t, r, readiness.Once(fd, readiness.In), onFD(fd))
	id := start(t, r, readiness.Once(fd, readiness.In))
	happen()
	c := finish(t, r, id)
	assert.True(t, readiness.Of(c).Has(readiness.In), "%v", readiness.Of(c))
}

func TestOpPollPipe(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr, err := os.Pipe()
		require.NoError(t, err)
		rdFD, wrFD := int(rd.Fd()), int(wr.Fd())
		becomesReadable(t, r, rdFD, func() { write(t, wrFD, "x") })
		sees(t, r, rdFD, readiness.In)
		sees(t, r, wrFD, readiness.Out)
		fillPipe(t, wrFD)
		cancels(t, r, readiness.Once(wrFD, readiness.Out), onFD(wrFD))
		id := start(t, r, readiness.Once(wrFD, readiness.Out))
		emptyPipe(t, rdFD)
		assert.Equal(t, readiness.Out, readiness.Of(finish(t, r, id)))
		id = start(t, r, readiness.Once(rdFD, 0)) // Hup comes unasked for
		require.NoError(t, wr.Close())
		assert.Equal(t, readiness.Hup, readiness.Of(finish(t, r, id)))
		sees(t, r, rdFD, readiness.Hup)
		require.NoError(t, rd.Close())

		rd, wr, err = os.Pipe()
		require.NoError(t, err)
		require.NoError(t, rd.Close())
		sees(t, r, int(wr.Fd()), readiness.Out|readiness.Err)
		require.NoError(t, wr.Close())
	})
}

func TestOpPollSocket(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, port := listenTCP(t, 1, 0)
		var client int
		becomesReadable(t, r, listener, func() { client = dialTCP(t, port) })
		server := acceptPlain(t, listener)
		becomesReadable(t, r, client, func() { write(t, server, "x") })
		sees(t, r, client, readiness.In|readiness.Out)
		sees(t, r, server, readiness.Out)
		require.NoError(t, unix.Send(server, []byte("!"), unix.MSG_OOB))
		sees(t, r, client, readiness.In|readiness.Out|readiness.Pri)
		require.NoError(t, unix.Shutdown(client, unix.SHUT_WR))
		id, err := r.Submit(readiness.Once(server, readiness.RdHup))
		require.NoError(t, err)
		assert.True(t, readiness.Of(finish(t, r, id)).Has(readiness.RdHup))
		require.NoError(t, unix.Close(server))
		id, err = r.Submit(readiness.Once(client, 0))
		require.NoError(t, err)
		assert.True(t, readiness.Of(finish(t, r, id)).Has(readiness.Hup))

		// The end of a connect is Out, here with the error that ended it.
		_, port = bound(t, unix.SOCK_STREAM)
		fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
		_ = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		got := readiness.Of(do(t, r, readiness.Once(fd, readiness.Out)))
		assert.True(t, got.Has(readiness.Out) && got.Has(readiness.Err), "%v", got)
	})
}

func TestOpPollEventfdAndTimerfd(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		require.NoError(t, err)
		own(t, event)
		becomesReadable(t, r, event, func() { write(t, event, "\x01\x00\x00\x00\x00\x00\x00\x00") })
		sees(t, r, event, readiness.In|readiness.Out)

		timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
		require.NoError(t, err)
		own(t, timer)
		becomesReadable(t, r, timer, func() {
			soon := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(time.Millisecond))}
			require.NoError(t, unix.TimerfdSettime(timer, 0, &soon, nil))
		})
		assert.Equal(t, 8, do(t, r, ops.Read(timer, make([]byte, 8), ops.Current)).N())
		cancels(t, r, ops.Read(timer, make([]byte, 8), ops.Current), onFD(timer))
	})
}

// An epoll can be polled: event loops nest.
func TestOpPollEpoll(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		require.NoError(t, err)
		own(t, epoll)
		rd, wr := pipe(t)
		in := unix.EpollEvent{Events: unix.EPOLLIN}
		require.NoError(t, unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, rd, &in))
		becomesReadable(t, r, epoll, func() { write(t, wr, "x") })
		sees(t, r, epoll, readiness.In)
	})
}

func TestOpPollInotify(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		require.NoError(t, err)
		own(t, fd)
		dir := t.TempDir()
		_, err = unix.InotifyAddWatch(fd, dir, unix.IN_CREATE)
		require.NoError(t, err)
		becomesReadable(t, r, fd, func() { require.NoError(t, os.Mkdir(dir+"/new", 0o700)) })
		assert.NotZero(t, do(t, r, ops.Read(fd, make([]byte, 300), ops.Current)).N())
	})
}

func TestOpPollChild(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		cmd := exec.Command("cat")
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
		require.NoError(t, err)
		own(t, pidfd)
		becomesReadable(t, r, pidfd, func() { require.NoError(t, stdin.Close()) })
		require.NoError(t, cmd.Wait())
	})
}

func TestOpPollTerminal(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skipf("no terminals here: %v", err)
		}
		own(t, master)
		require.NoError(t, unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
		n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
		require.NoError(t, err)
		c := do(t, r, ops.Open("/dev/pts/"+strconv.Itoa(n), unix.O_RDWR|unix.O_NOCTTY, 0))
		slave := own(t, c.FD())
		becomesReadable(t, r, slave, func() { write(t, master, "line\n") })
		assert.Equal(t, "line\n", string(do(t, r, ops.Read(slave, make([]byte, 10), ops.Current)).Bytes()))
		cancels(t, r, ops.Read(slave, make([]byte, 10), ops.Current), onFD(slave))
	})
}

// Files and devices that cannot be polled are always ready.
func TestOpPollFile(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, path := tempFile(t, "")
		sees(t, r, fd, readiness.In|readiness.Out)
		null := own(t, do(t, r, ops.Open("/dev/null", unix.O_RDWR, 0)).FD())
		sees(t, r, null, readiness.In|readiness.Out)
		dir := own(t, do(t, r, ops.Open(t.TempDir(), unix.O_DIRECTORY, 0)).FD())
		sees(t, r, dir, readiness.In|readiness.Out)
		pathOnly := own(t, do(t, r, ops.Open(path, unix.O_PATH, 0)).FD())
		fails(t, r, readiness.Once(pathOnly, readiness.In), syscall.EBADF, onFD(pathOnly))
		fails(t, r, readiness.Once(noFD, readiness.In), syscall.EBADF, onFD(noFD))
		_, err := r.Submit(readiness.Once(fd, 1<<31))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// Level says it on every Wait, Edge when something arrives, Once once.
func TestOpPollKinds(t *testing.T) {
	needs(t, "5.13")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_DGRAM)
		buf := make([]byte, 10)
		write(t, a, "one")
		level, err := r.Submit(readiness.Level(b, readiness.In))
		require.NoError(t, err)
		for range 5 {
			c := next(t, r)
			require.NoError(t, c.Err())
			assert.True(t, c.More)
			assert.Equal(t, readiness.In, readiness.Of(c))
		}
		do(t, r, ops.Recv(b, buf, 0))
		settled(t, r)
		require.NoError(t, r.Cancel(level))
		canceled(t, r, level, ops.CodePoll, onFD(b))

		edge := start(t, r, readiness.Edge(b, readiness.In))
		for range 3 { // another arrival is another edge, whether or not it was read
			write(t, a, "two")
			c := next(t, r)
			require.NoError(t, c.Err())
			require.Equal(t, edge, c.ID)
			assert.True(t, c.More)
			assert.True(t, readiness.Of(c).Has(readiness.In))
			settled(t, r)
		}
		require.NoError(t, r.Cancel(edge))
		canceled(t, r, edge, ops.CodePoll, onFD(b))
		once, err := r.Submit(readiness.Once(b, readiness.In))
		require.NoError(t, err)
		finish(t, r, once)
		waits(t, r)
	})
}

// settled takes polls' spurious completions (trap 16) until none comes.
func settled(t testing.TB, r *ring.Ring) {
	t.Helper()
	var one [1]ops.Completion
	for range 10 {
		n, err := r.Wait(one[:], 1, moment)
		if n == 0 {
			require.ErrorIs(t, err, ops.ErrTimeout)
			return
		}
		require.NoError(t, one[0].Err())
		require.True(t, one[0].More)
	}
	t.Error("events without end")
}

// Change moves a pending poll to other events, keeping its kind.
func TestOpPollChange(t *testing.T) {
	needs(t, "5.13")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		skipsChanges(t, r)
		a, _ := unixPair(t, unix.SOCK_STREAM)
		for _, poll := range []func(int, readiness.Events) ops.Request{readiness.Once, readiness.Edge, readiness.Level} {
			req := poll(a, readiness.In)
			id := start(t, r, req)
			c := do(t, r, readiness.Change(id, readiness.Out))
			assert.Zero(t, c.Res)
			c = next(t, r)
			assert.Equal(t, id, c.ID)
			assert.Equal(t, readiness.Out, readiness.Of(c))
			assert.Equal(t, req.Mode&ops.Multishot != 0, c.More)
			if c.More {
				do(t, r, readiness.Change(id, readiness.In))
				settled(t, r)
				require.NoError(t, r.Cancel(id))
				canceled(t, r, id, ops.CodePoll, onFD(a))
			}
			fails(t, r, readiness.Change(id, readiness.In), syscall.ENOENT, "")
		}
		_, err := r.Submit(readiness.Change(0, readiness.In))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		timer := start(t, r, ops.Timer(time.Hour))
		fails(t, r, readiness.Change(timer, readiness.In), syscall.ENOENT, "")
		require.NoError(t, r.Cancel(timer))
		canceled(t, r, timer, ops.CodeTimer, "")
	})
}

// skipsChanges skips a test of changes of polls where the kernel loses them.
func skipsChanges(t testing.TB, r *ring.Ring) {
	t.Helper()
	if why := testkit.LosesChangedPolls(); why != "" && !isPortable(r) {
		t.Skip(why)
	}
}
