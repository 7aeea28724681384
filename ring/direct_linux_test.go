package ring_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// direct performs req, which must make a direct descriptor.
func direct(t testing.TB, r *ring.Ring, req ops.Request) ops.Direct {
	t.Helper()
	c := do(t, r, req)
	require.True(t, c.Direct().Valid(), "%v", c.Code)
	require.Equal(t, -1, c.FD())
	return c.Direct()
}

// A direct descriptor is used like an ordinary one, under its number.
func TestDirectFile(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		path := filepath.Join(t.TempDir(), "file")
		before := openFiles()
		d := direct(t, r, ops.Open(path, unix.O_RDWR|unix.O_CREAT, 0o600).IntoDirect())
		assert.Equal(t, "direct 0", d.String())
		assert.Equal(t, 5, do(t, r, ops.Write(d.FD(), []byte("hello"), 0)).N())
		buf := make([]byte, 10)
		assert.Equal(t, "ello", string(do(t, r, ops.Read(d.FD(), buf, 1)).Bytes()))
		do(t, r, ops.Fsync(d.FD()))
		do(t, r, ops.Fallocate(d.FD(), 0, 0, 100))
		_, err := unix.Pread(d.FD(), buf, 0)
		assert.ErrorIs(t, err, unix.EBADF, "outside the ring it is nothing")
		if !isPortable(r) { // whose table is of ordinary descriptors
			assert.Equal(t, before, openFiles())
		}
		do(t, r, ops.Close(d.FD()))
		fails(t, r, ops.Read(d.FD(), buf, 0), syscall.EBADF, "direct 0")
		fails(t, r, ops.Close(d.FD()), syscall.EBADF, "direct 0")
		fails(t, r, ops.Open(path+"x", unix.O_RDONLY, 0).IntoDirect(), syscall.ENOENT, path+"x")
		d = direct(t, r, ops.Open2(path, &unix.OpenHow{Flags: unix.O_RDONLY}).IntoDirect())
		assert.Equal(t, "hello", string(do(t, r, ops.Read(d.FD(), buf[:5], 0)).Bytes()))
		do(t, r, ops.Close(d.FD()))
	})
}

// An ordinary descriptor and a direct one of the same file live their own lives.
func TestDirectRegisterAndInstall(t *testing.T) {
	needs(t, "6.8")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe(t)
		d := direct(t, r, ops.Register(wr))
		require.NoError(t, unix.Close(wr))
		do(t, r, ops.Write(d.FD(), []byte("a"), ops.Current))
		c := do(t, r, ops.Install(d))
		fd := c.FD()
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		require.NoError(t, err)
		assert.Equal(t, unix.FD_CLOEXEC, flags)
		write(t, fd, "b")
		do(t, r, ops.Close(d.FD()))
		write(t, fd, "c")
		require.NoError(t, unix.Close(fd))
		buf := make([]byte, 4)
		n, err := unix.Read(rd, buf)
		require.NoError(t, err)
		assert.Equal(t, "abc", string(buf[:n]))
		n, err = unix.Read(rd, buf)
		require.NoError(t, err)
		assert.Zero(t, n, "all write ends are closed")
		fails(t, r, ops.Install(d), syscall.EBADF, "direct 0")
		fails(t, r, ops.Register(wr), syscall.EBADF, onFD(wr))
		_, err = r.Submit(ops.Install(ops.Direct{}))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

func TestDirectSockets(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		if !isPortable(r) {
			needs(t, "6.11") // BIND and LISTEN: what is done in their place knows no direct descriptors
		}
		addr := ops.UNIX(fmt.Sprintf("@sluice-direct-%d-%s", unix.Getpid(), t.Name()))
		l := direct(t, r, ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0).IntoDirect())
		do(t, r, ops.Bind(l.FD(), addr))
		do(t, r, ops.Listen(l.FD(), 4))
		id := submit(t, r, ops.AcceptMulti(l.FD(), 0).IntoDirect())
		client := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		var conns []ops.Direct
		for range 2 {
			fd := direct(t, r, ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0).IntoDirect())
			do(t, r, ops.Connect(fd.FD(), addr))
			c := next(t, r)
			require.Equal(t, id, c.ID)
			assert.True(t, c.More)
			assert.Equal(t, -1, c.FD())
			require.True(t, c.Direct().Valid())
			conns = append(conns, fd, c.Direct())
		}
		do(t, r, ops.Connect(client, addr))
		conns = append(conns, next(t, r).Direct())
		got := submit(t, r, ops.Recv(conns[1].FD(), make([]byte, 10), 0))
		do(t, r, ops.Send(conns[0].FD(), []byte("hi"), 0))
		assert.Equal(t, "hi", string(finish(t, r, got).Bytes()))
		n, err := r.CancelFD(l.FD())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		canceled(t, r, id, ops.CodeAccept, l.String())
		for _, d := range append(conns, l) {
			do(t, r, ops.Close(d.FD()))
		}
		n, err = unix.Read(client, make([]byte, 1))
		require.NoError(t, err)
		assert.Zero(t, n, "the accepted end is closed")
	})
}

// Waiting on a direct descriptor, also one with O_NONBLOCK, is as on others.
// (trap 10)
func TestDirectWaits(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
		d := direct(t, r, ops.Register(rd))
		id := start(t, r, ops.Read(d.FD(), make([]byte, 4), ops.Current))
		poll := start(t, r, readiness.Once(d.FD(), readiness.In))
		write(t, wr, "x")
		got := byTagless(take(t, r, 2))
		assert.Equal(t, "x", string(bytesOf(got[id])))
		assert.NoError(t, errOf(got[poll]))
		cancels(t, r, ops.Read(d.FD(), make([]byte, 4), ops.Current), "direct 0")
		do(t, r, ops.Close(d.FD()))
	})
}

func byTagless(all []ops.Completion) map[ops.ID]ops.Completion {
	m := map[ops.ID]ops.Completion{}
	for _, c := range all {
		m[c.ID] = c
	}
	return m
}

func bytesOf(c ops.Completion) []byte { return c.Bytes() }
func errOf(c ops.Completion) error    { return c.Err() }

func TestDirectPipeAndSplice(t *testing.T) {
	needs(t, "6.16")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		c := do(t, r, ops.Pipe(new(ops.PipeEnds), 0).IntoDirect())
		rd, wr := c.Pipe()
		require.True(t, ops.DirectOf(rd).Valid())
		assert.False(t, c.Direct().Valid())
		do(t, r, ops.Write(wr, []byte("through"), ops.Current))
		fd, path := tempFile(t, "")
		to := direct(t, r, ops.Register(fd))
		assert.Equal(t, 7, do(t, r, ops.Splice(rd, ops.Current, to.FD(), 0, 100, 0)).N())
		assert.Equal(t, "through", contentOf(t, path))
		for _, end := range []int{rd, wr, to.FD()} {
			do(t, r, ops.Close(end))
		}
	})
}

func TestDirectTableIsFull(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{DirectFiles: 2})
		open := ops.Open("/dev/null", unix.O_RDWR, 0).IntoDirect()
		d, e := direct(t, r, open), direct(t, r, open)
		assert.NotEqual(t, d, e)
		_, err := try(t, r, open)
		explains(t, err, ops.CodeOpen, "/dev/null", ops.ErrNoDirect)
		assert.ErrorIs(t, err, syscall.ENFILE)
		_, err = try(t, r, ops.Register(0))
		assert.ErrorIs(t, err, ops.ErrNoDirect)
		// The places that ReadFile uses are others.
		do(t, r, ops.ReadFile("/dev/null", make([]byte, 1)))
		do(t, r, ops.Close(d.FD()))
		assert.Equal(t, d, direct(t, r, open))
	})
}

// Closing the Ring closes direct descriptors before it returns.
func TestDirectEndsWithTheRing(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		rd, wr := pipe(t)
		require.NoError(t, unix.SetNonblock(rd, true))
		direct(t, r, ops.Register(wr))
		require.NoError(t, unix.Close(wr))
		_, err := unix.Read(rd, make([]byte, 1))
		require.ErrorIs(t, err, unix.EAGAIN)
		require.NoError(t, r.Close())
		n, err := unix.Read(rd, make([]byte, 1))
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

// An accept that succeeded although it was cancelled brings its descriptor; one that
// was cancelled in time leaves no place taken. (trap 24)
func TestDirectAcceptCancelled(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{DirectFiles: 1})
		l, addr := listener(t, 0, 64)
		for i := range 50 {
			id := submit(t, r, ops.Accept(l, 0).IntoDirect())
			client := make(chan int, 1)
			join := during(t, func() { client <- dial(t, addr) })
			if i%2 == 0 {
				join()
			}
			_ = r.Cancel(id)
			c := takeOne(t, r)
			if d := c.Direct(); c.Err() == nil {
				require.True(t, d.Valid())
				do(t, r, ops.Close(d.FD()))
			} else {
				require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				c := do(t, r, ops.Accept(l, 0).IntoDirect())
				do(t, r, ops.Close(c.Direct().FD()))
			}
			join()
			<-client // it is closed at the end
		}
	})
}

func TestDirectConfig(t *testing.T) {
	needs(t, "6.0")
	_, err := ring.New(ring.Config{DirectFiles: ring.MaxDirectFiles})
	require.ErrorIs(t, err, syscall.EMFILE)
	assert.Contains(t, err.Error(), "RLIMIT_NOFILE allows: raise it, or lower Config.DirectFiles")
	_, err = ring.New(ring.Config{DirectFiles: -1})
	require.ErrorIs(t, err, ops.ErrInvalid)
	for _, c := range []struct {
		cfg  ring.Config
		want error
	}{{ring.Config{Pinned: true}, ops.ErrWrongThread}, {ring.Config{Pinned: true, DirectFiles: 3}, nil}, {ring.Config{}, nil}} {
		r, err := ring.New(c.cfg)
		require.NoError(t, err)
		serve(t, r, during(t, func() {
			_, err := r.Submit(ops.Register(0))
			assert.ErrorIs(t, err, c.want)
		}))
		closeRing(t, r)
	}
}

func TestDirectRefusals(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	_, err = r.Submit(ops.Read(3, nil, 0).IntoDirect())
	assert.ErrorIs(t, err, ops.ErrInvalid)
	assert.ErrorContains(t, err, "the operation cannot make a direct descriptor")
	bad := ops.Open("/", unix.O_RDONLY, 0).IntoDirect()
	bad.FD2 = 7
	_, err = r.Submit(bad)
	assert.ErrorIs(t, err, ops.ErrInvalid)
	_, err = r.Submit(ops.Open("", 0, 0).IntoDirect())
	assert.ErrorIs(t, err, ops.ErrInvalid)
}
