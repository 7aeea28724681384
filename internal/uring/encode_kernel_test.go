//go:build linux

package uring

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
)

// perform hands encoded requests to the kernel as one group and returns their
// results in order of submission.
func perform(t *testing.T, r *Ring, reqs ...ops.Request) []int32 {
	t.Helper()
	for i := range reqs {
		require.NoError(t, reqs[i].Validate())
		Encode(r.SQ.Next(), &reqs[i], uint64(i))
	}
	submit(t, r, 0)
	results := make([]int32, len(reqs))
	for range reqs {
		c := await(t, r)
		results[c.UserData] = c.Res
	}
	return results
}

// perform1 is perform for one request, which must succeed; an opcode that this
// kernel lacks skips the test.
func perform1(t *testing.T, r *Ring, req ops.Request) int {
	t.Helper()
	res := perform(t, r, req)[0]
	if res == -int32(syscall.EINVAL) {
		if op, _ := Opcode(req.Code); !testkit.KernelHas(OpSince(op)) {
			t.Skipf("%v needs Linux %s", req.Code, OpSince(op))
		}
	}
	require.GreaterOrEqual(t, res, int32(0), "%v: %v", req.Code, syscall.Errno(-res))
	return int(res)
}

func TestKernelFiles(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	path := filepath.Join(t.TempDir(), "file")
	fd := perform1(t, r, ops.Open(path, unix.O_RDWR|unix.O_CREAT, 0o600))
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	require.NoError(t, err)
	assert.Equal(t, unix.FD_CLOEXEC, flags)
	assert.Equal(t, 5, perform1(t, r, ops.Write(fd, []byte("hello"), 0)))
	assert.Equal(t, 6, perform1(t, r, ops.Writev(fd, [][]byte{[]byte(", "), nil, []byte("all!")}, 5)))
	perform1(t, r, ops.Fsync(fd))
	perform1(t, r, ops.Fdatasync(fd))
	a, b := make([]byte, 3), make([]byte, 20)
	assert.Equal(t, 11, perform1(t, r, ops.Readv(fd, [][]byte{a, b}, 0)))
	assert.Equal(t, "hello, all!", string(a)+string(b[:8]))
	assert.Equal(t, 4, perform1(t, r, ops.Read(fd, b, 7)))
	assert.Equal(t, 0, perform1(t, r, ops.Read(fd, nil, 0)))
	assert.Equal(t, 0, perform1(t, r, ops.Readv(fd, nil, 0)))
	var st unix.Statx_t
	perform1(t, r, ops.Statx(unix.AT_FDCWD, path, 0, unix.STATX_SIZE, &st))
	assert.EqualValues(t, 11, st.Size)
	perform1(t, r, ops.Fallocate(fd, 0, 0, 8192))
	st = unix.Statx_t{}
	perform1(t, r, ops.StatxFD(fd, 0, unix.STATX_SIZE, &st))
	assert.EqualValues(t, 8192, st.Size)
	perform1(t, r, ops.Close(fd))
	dir, err := os.Open(filepath.Dir(path))
	require.NoError(t, err)
	defer dir.Close()
	how := &unix.OpenHow{Flags: unix.O_RDWR, Resolve: unix.RESOLVE_BENEATH}
	fd = perform1(t, r, ops.OpenAt2(int(dir.Fd()), "file", how).Inheritable())
	flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	require.NoError(t, err)
	assert.Zero(t, flags)
	defer unix.Close(fd)
	perform1(t, r, ops.Ftruncate(fd, 3)) // last: it may skip
	perform1(t, r, ops.StatxFD(fd, 0, unix.STATX_SIZE, &st))
	assert.EqualValues(t, 3, st.Size)
}

func TestKernelConnections(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	listener := perform1(t, r, ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	defer unix.Close(listener)
	require.NoError(t, unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(listener, 1))
	name, err := unix.Getsockname(listener)
	require.NoError(t, err)
	port := uint16(name.(*unix.SockaddrInet4).Port)

	client := perform1(t, r, ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	defer unix.Close(client)
	perform1(t, r, ops.Connect(client, ops.Inet(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))))
	peer := ops.UNIX("/stale")
	server := perform1(t, r, ops.AcceptAddr(listener, 0, peer))
	defer unix.Close(server)
	name, err = unix.Getsockname(client)
	require.NoError(t, err)
	assert.EqualValues(t, name.(*unix.SockaddrInet4).Port, peer.AddrPort().Port())
	assert.Equal(t, "127.0.0.1", peer.AddrPort().Addr().String())

	buf := make([]byte, 10)
	got := perform(t, r, ops.Recv(server, buf, 0).WithPollFirst(), ops.Send(client, []byte("ping"), 0))
	assert.Equal(t, []int32{4, 4}, got)
	assert.Equal(t, "ping", string(buf[:4]))
	perform1(t, r, ops.Shutdown(client, unix.SHUT_WR))
	assert.Zero(t, perform1(t, r, ops.Recv(server, buf, 0)))
}

func TestKernelMultishotAccept(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	addr := ops.UNIX(fmt.Sprintf("@sluice-accept-%d", os.Getpid()))
	listener := perform1(t, r, ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0))
	defer unix.Close(listener)
	require.NoError(t, unix.Bind(listener, &unix.SockaddrUnix{Name: addr.Path()}))
	require.NoError(t, unix.Listen(listener, 8))
	accept := ops.AcceptMulti(listener, 0)
	Encode(r.SQ.Next(), &accept, 100)
	submit(t, r, 0)
	for range 2 {
		client := dialUNIX(t, addr)
		defer unix.Close(client)
		c := await(t, r)
		require.EqualValues(t, 100, c.UserData)
		require.Greater(t, c.Res, int32(0), "%v", syscall.Errno(-c.Res))
		assert.NotZero(t, c.Flags&CQEFlagMore)
		unix.Close(int(c.Res))
	}
	EncodeCancelFD(r.SQ.Next(), int32(listener), 101)
	submit(t, r, 2)
	results := map[uint64]int32{}
	for range 2 {
		c := await(t, r)
		results[c.UserData] = c.Res
		assert.Zero(t, c.Flags&CQEFlagMore)
	}
	assert.Equal(t, map[uint64]int32{100: -int32(syscall.ECANCELED), 101: 1}, results)
}

// dialUNIX connects a new socket without the ring, to keep its queue clear.
func dialUNIX(t *testing.T, addr *ops.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Connect(fd, &unix.SockaddrUnix{Name: addr.Path()}))
	return fd
}

func TestKernelMessages(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	from, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(from)
	to, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(to)
	dir := t.TempDir()
	require.NoError(t, unix.Bind(from, &unix.SockaddrUnix{Name: dir + "/from"}))
	require.NoError(t, unix.Bind(to, &unix.SockaddrUnix{Name: dir + "/to"}))

	out := ops.NewMsg([]byte("he"), []byte("llo"))
	out.Addr = ops.UNIX(dir + "/to")
	out.Control = unix.UnixRights(0)
	in := ops.NewMsg(make([]byte, 1), make([]byte, 3))
	in.Addr = new(ops.Sockaddr)
	in.Control = make([]byte, 100)
	for range 2 { // the second time with what the first has left in the headers
		assert.Equal(t, 5, perform1(t, r, ops.Sendmsg(from, out, 0)))
		assert.Equal(t, 4, perform1(t, r, ops.Recvmsg(to, in, unix.MSG_CMSG_CLOEXEC)))
		assert.Equal(t, "hell", string(in.Buffers[0])+string(in.Buffers[1]))
		assert.Equal(t, dir+"/from", in.Source().Path())
		assert.Equal(t, unix.MSG_TRUNC|unix.MSG_CMSG_CLOEXEC, in.Received())
		messages, err := unix.ParseSocketControlMessage(in.Ancillary())
		require.NoError(t, err)
		require.Len(t, messages, 1)
		fds, err := unix.ParseUnixRights(&messages[0])
		require.NoError(t, err)
		require.Len(t, fds, 1)
		unix.Close(fds[0])
	}
}

func TestKernelSplice(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rdA, wrA := pipe(t)
	rdB, wrB := pipe(t)
	assert.Equal(t, 4, perform1(t, r, ops.Splice(int(f.Fd()), 2, int(wrA), ops.Current, 4, 0)))
	assert.Equal(t, 4, perform1(t, r, ops.Tee(int(rdA), int(wrB), 100, 0)))
	buf := make([]byte, 10)
	for _, rd := range []int32{rdA, rdB} {
		n := perform1(t, r, ops.Read(int(rd), buf, ops.Current))
		assert.Equal(t, "2345", string(buf[:n]))
	}
}

func TestKernelPoll(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	rd, wr := pipe(t)
	EncodePoll(r.SQ.Next(), rd, unix.POLLIN, true, 50)
	submit(t, r, 0)
	for range 2 { // edge-triggered: another write reports again, unread or not
		_, err := unix.Write(int(wr), []byte("x"))
		require.NoError(t, err)
		c := await(t, r)
		assert.EqualValues(t, 50, c.UserData)
		assert.EqualValues(t, unix.POLLIN, c.Res)
		assert.NotZero(t, c.Flags&CQEFlagMore)
	}
	EncodeCancel(r.SQ.Next(), 50, 51)
	submit(t, r, 2)
	assert.ElementsMatch(t, []int32{-int32(syscall.ECANCELED), 0}, []int32{await(t, r).Res, await(t, r).Res})
	if testkit.KernelHas("5.19") {
		EncodeCancelAny(r.SQ.Next(), 52)
		submit(t, r, 1)
		assert.Zero(t, await(t, r).Res)
	}

	if why := testkit.LosesChangedPolls(); why != "" {
		t.Skip(why)
	}
	// A one-shot poll for In on the writing end waits; asked for Out, it is done.
	wait := ops.Request{Code: ops.CodePoll, FD: wr, Flags: unix.POLLIN}
	Encode(r.SQ.Next(), &wait, 60)
	submit(t, r, 0)
	change := ops.Request{Code: ops.CodePollUpdate, Offset: 60, Flags: unix.POLLOUT}
	Encode(r.SQ.Next(), &change, 61)
	submit(t, r, 2)
	got := map[uint64]int32{}
	for range 2 {
		c := await(t, r)
		got[c.UserData] = c.Res
	}
	assert.Equal(t, map[uint64]int32{60: unix.POLLOUT, 61: 0}, got)
}

func TestKernelTimerInChain(t *testing.T) {
	if !testkit.KernelHas("5.16") {
		t.Skip("needs Linux 5.16")
	}
	r := newRing(t, Options{Entries: 8})
	const d = 20 * time.Millisecond
	timer := ops.Timer(d)
	ts := ops.TimespecOf(d)
	timer.Arg = &ts
	start := time.Now()
	got := perform(t, r, ops.Chain(ops.Nop(), timer, ops.Nop())...)
	assert.GreaterOrEqual(t, time.Since(start), d)
	assert.Equal(t, []int32{0, -int32(syscall.ETIME), 0}, got)
}

func TestKernelWithoutRoute(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	assert.Equal(t, -int32(syscall.EINVAL), perform(t, r, ops.Request{Code: ops.CodePost, Arg: nil})[0])
}
