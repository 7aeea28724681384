package ring_test

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// What the kernel lacks is carried out all the same: alone, in a chain, in a Do.
// (trap 43)
func TestMissingOperations(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		r.Forbid(uring.OpMkdirat, uring.OpSocket, uring.OpRecv)
		assert.Equal(t, ring.Emulated, r.Info().Operations[ops.CodeMkdir-1].Route)
		dir := t.TempDir()
		do(t, r, ops.Mkdir(dir+"/a", 0o700))
		fails(t, r, ops.Mkdir(dir+"/a", 0o700), syscall.EEXIST, dir+"/a")
		queue(t, r, ops.Mkdir(dir+"/b", 0o700))
		c := takeOne(t, r)
		require.NoError(t, c.Err())
		assert.DirExists(t, dir+"/b")
		own(t, do(t, r, ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)).FD())

		ids := make([]ops.ID, 4)
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Nop(), ops.Mkdir(dir+"/c", 0o700),
			ops.Rmdir(dir+"/missing"), ops.Rmdir(dir+"/c")), ids))
		results := []error{nil, nil, syscall.ENOENT, ops.ErrCanceled}
		for i, c := range take(t, r, 4) {
			assert.Equal(t, ids[i], c.ID)
			assert.ErrorIs(t, c.Err(), results[i])
		}
		assert.DirExists(t, dir+"/c")
		require.NoError(t, r.SubmitAll(ops.HardChain(ops.Mkdir(dir+"/c", 0o700), ops.Rmdir(dir+"/c")), nil))
		take(t, r, 2)
		assert.NoDirExists(t, dir+"/c")
		stillWorks(t, r)
	})
}

// Cancels, timeouts and Close follow a request to where it is.
func TestMissingOperationsWait(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		r.Forbid(uring.OpRecv, uring.OpPollAdd)
		a, b := unixPair(t, unix.SOCK_SEQPACKET) // of a stream, one may read what is for two
		buf := make([]byte, 8)
		cancels(t, r, ops.Recv(a, buf, 0), onFD(a))
		_, err := try(t, r, ops.Recv(a, buf, 0).WithTimeout(moment))
		assert.ErrorIs(t, err, ops.ErrTimeout)
		id := start(t, r, ops.Recv(a, buf, 0))
		write(t, b, "come")
		assert.Equal(t, "come", string(finish(t, r, id).Bytes()))
		submit(t, r, ops.Recv(a, buf, 0))
		submit(t, r, ops.Recv(a, buf, 0))
		n, err := r.CancelFD(a)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		take(t, r, 2)

		// One wait is for both sides, whether what they bring comes before or in it.
		for _, late := range [][2]time.Duration{{0, 0}, {0, moment}, {moment, 0}, {moment, moment}} {
			submit(t, r, ops.Recv(a, buf, 0).WithTag("apart"))
			submit(t, r, ops.Read(a, make([]byte, 8), ops.Current).WithTag("kernel"))
			join := during(t, func() {
				for _, d := range late {
					time.Sleep(d)
					write(t, b, "come")
				}
			})
			both := byTag(t, take(t, r, 2))
			assert.Len(t, both, 2)
			join()
		}
		submit(t, r, ops.Recv(a, buf, 0))
		require.NoError(t, r.Close())
		last := drain(t, r)
		require.Len(t, last, 1)
		assert.ErrorIs(t, last[0].Err(), ops.ErrClosed)
	})
}

// Accepts one by one are what a multishot accept is without its opcode.
func TestMissingMultishot(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		r.Forbid(uring.OpAccept)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		id := submit(t, r, ops.AcceptMulti(fdOf(t, l.(*net.TCPListener)), 0).Keeping(l))
		for range 3 {
			client, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer func() { _ = client.Close() }()
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			assert.True(t, c.More)
			require.NoError(t, unix.Close(c.FD()))
		}
		require.NoError(t, r.Cancel(id))
		c := takeOne(t, r)
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
	})
}

// What only the kernel's ring has cannot go elsewhere, and the message says so.
func TestMissingOperationsOnKernelsOwn(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "content")
		d := do(t, r, ops.Register(fd)).Direct()
		r.Forbid(uring.OpFsync, uring.OpFilesUpdate)
		before := r.Stats().Submitted
		_, err := r.Submit(ops.Fsync(d.FD()))
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "it takes Linux 5.1 or later, with FSYNC; elsewhere a direct descriptor is not known")
		err = r.SubmitAll(ops.Chain(ops.Read(d.FD(), make([]byte, 4), 0), ops.Fsync(fd)), nil)
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "elsewhere a direct descriptor is not known, which the chain uses")
		_, err = r.Submit(ops.Register(fd))
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "it takes Linux 5.19 or later, with FILES_UPDATE")
		assert.Equal(t, ring.Unavailable, r.Info().Operations[ops.CodeRegister-1].Route)
		assert.Equal(t, before, r.Stats().Submitted, "nothing was started")
		do(t, r, ops.Fsync(fd))
		do(t, r, ops.Close(d.FD()))
	})
}

// Registered memory and zero-copy sends have an older opcode in place of their own.
func TestOlderOpcodes(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		r.Forbid(uring.OpReadFixed, uring.OpWriteFixed, uring.OpSendZC, uring.OpSendmsgZC)
		if r.Info().Engine == ring.IOURing {
			needs(t, "5.19") // for a pool
		}
		fd, _ := tempFile(t, "content")
		pool, err := r.NewBufferPool(ring.PoolConfig{})
		require.NoError(t, err)
		b, err := pool.Get(4096)
		require.NoError(t, err)
		defer b.Release()
		assert.Equal(t, 7, do(t, r, ops.ReadFixed(fd, b, 0)).N())
		a, c := unixPair(t, unix.SOCK_STREAM)
		assert.Equal(t, 5, do(t, r, ops.SendZC(a, []byte("hello"), 0)).N())
		assert.Equal(t, 5, do(t, r, ops.SendmsgZC(a, ops.NewMsg([]byte("world")), 0)).N())
		buf := make([]byte, 16)
		assert.Equal(t, "helloworld", string(buf[:do(t, r, ops.Recv(c, buf, 0)).N()]))
		assert.Equal(t, ring.Emulated, r.Info().Operations[ops.CodeSendZC-1].Route)
	})
}

// What is newer than its opcode is left out, and done by the Ring; or it is refused, and
// the message says since when it is there. Old kernels run this as it is.
func TestOlderFlags(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		r.Age()
		listener, port := listenTCP(t, 8, 0)
		id := submit(t, r, ops.AcceptMulti(listener, 0).WithPollFirst())
		for range 3 {
			client := dialTCP(t, port)
			c := next(t, r)
			require.True(t, c.More)
			fd := own(t, c.FD())
			buf := make([]byte, 8)
			hello := start(t, r, ops.Recv(client, buf, 0).WithPollFirst())
			do(t, r, ops.Send(fd, []byte("hello"), 0).WithPollFirst())
			assert.Equal(t, "hello", string(finish(t, r, hello).Bytes()))
		}
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeAccept, onFD(listener))
		require.NoError(t, r.SubmitAll(ops.Chain(ops.Timer(time.Millisecond), ops.Nop()), nil))
		for _, c := range take(t, r, 2) {
			assert.NoError(t, c.Err())
		}
		g, err := r.NewBufferRing(ring.BufferConfig{})
		if err != nil {
			require.ErrorIs(t, err, ops.ErrNotSupported)
			return
		}
		id, err = r.Submit(ops.RecvmsgMulti(listener, g, ops.MessageRoom{}, 0))
		if isPortable(r) {
			require.NoError(t, err)
			assert.Equal(t, id, next(t, r).ID)
			return
		}
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "want kernel 6.0; Recvmsg takes them one by one")
		_, err = r.Submit(ops.Accept(listener, 0).IntoDirect())
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "want kernel 6.0")
	})
}

// A ring that may do no more than wait: all else goes elsewhere, as soon as the first
// refusal has been understood.
func TestRestrictedRing(t *testing.T) {
	needs(t, "6.0") // which knows all the registrations that are allowed here
	defer ring.Restrict(uring.OpPollAdd, uring.OpAsyncCancel, uring.OpNop, uring.OpOpenat)()
	for _, pinned := range []bool{false, true} {
		r, err := ring.New(ring.Config{Engine: ring.IOURing, Pinned: pinned})
		require.NoError(t, err)
		path := t.TempDir() + "/file"
		require.NoError(t, os.WriteFile(path, []byte("content"), 0o600))
		fd := do(t, r, ops.Open(path, unix.O_RDWR, 0)).FD()
		buf := make([]byte, 16)
		for range 2 {
			assert.Equal(t, 7, do(t, r, ops.Read(fd, buf, 0)).N())
			do(t, r, ops.Fsync(fd))
		}
		table := r.Info().Operations
		assert.Equal(t, ring.Emulated, table[ops.CodeRead-1].Route)
		assert.Equal(t, ring.Native, table[ops.CodeOpen-1].Route)
		_, err = try(t, r, ops.Unlink("/proc/self/fd/none"))
		assert.Error(t, err)
		do(t, r, ops.Close(fd))
		closeRing(t, r)
	}
}

// A ring that may do all but one thing: that goes elsewhere, once the refusal has been
// understood, and the rest stays where it was.
func TestRestrictedRingLacksOne(t *testing.T) {
	needs(t, "6.0")
	dir := t.TempDir()
	fd, path := tempFile(t, "content")
	a, b := unixPair(t, unix.SOCK_STREAM)
	listener, port := listenTCP(t, 8, 0)
	_, roomy := pipe(t)
	buf := make([]byte, 4)
	whole, err := ring.New(ring.Config{Engine: ring.IOURing})
	require.NoError(t, err)
	before := whole.Info().Operations
	closeRing(t, whole)
	for op, req := range map[uring.Op]ops.Request{
		uring.OpNop:     ops.Nop(),
		uring.OpRead:    ops.Read(fd, buf, 0),
		uring.OpReadv:   ops.Readv(fd, [][]byte{buf}, 0),
		uring.OpWrite:   ops.Write(fd, []byte("cont"), 0),
		uring.OpFsync:   ops.Fsync(fd),
		uring.OpStatx:   ops.Statx(unix.AT_FDCWD, path, 0, unix.STATX_SIZE, new(unix.Statx_t)),
		uring.OpOpenat:  ops.Open(path, unix.O_RDONLY, 0),
		uring.OpSocket:  ops.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0),
		uring.OpSend:    ops.Send(a, buf, 0),
		uring.OpRecv:    ops.Recv(b, buf, 0),
		uring.OpAccept:  ops.Accept(listener, 0),
		uring.OpMkdirat: ops.Mkdir(dir+"/made", 0o700),
		uring.OpSplice:  ops.Splice(fd, 0, roomy, ops.Current, 4, 0),
	} {
		for _, pinned := range []bool{false, true} {
			undo := ring.RestrictOne(op)
			r, err := ring.New(ring.Config{Engine: ring.IOURing, Pinned: pinned})
			undo()
			require.NoError(t, err)
			for range 2 {
				write(t, a, "sent")
				if req.Code == ops.CodeAccept {
					dialTCP(t, port)
				}
				c := finish(t, r, submit(t, r, req)) // a Do reads by itself
				if req.Code == ops.CodeMkdir {
					require.NoError(t, os.Remove(dir+"/made"))
				} else if c.FD() >= 0 {
					own(t, c.FD())
				}
			}
			for i, o := range r.Info().Operations {
				if o.Code == req.Code {
					assert.Equal(t, ring.Emulated, o.Route, o.Code)
				} else if o.Opcode != uring.OpName(op) && o.Code != ops.CodeSocketName {
					assert.Equal(t, before[i].Route, o.Route, o.Code)
				}
			}
			closeRing(t, r)
		}
	}
}

// Without polls and cancels a ring is of no use, and Auto takes the other engine.
func TestRestrictedRingLacksWhatItNeeds(t *testing.T) {
	needs(t, "6.0") // as above
	t.Setenv("SLUICE_ENGINE", "auto")
	for _, op := range []uring.Op{uring.OpPollAdd, uring.OpAsyncCancel} {
		undo := ring.RestrictOne(op)
		used := testkit.Descriptors()
		_, err := ring.New(ring.Config{Engine: ring.IOURing})
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorIs(t, err, syscall.EACCES)
		assert.ErrorContains(t, err, "a restriction of io_uring forbids "+uring.OpName(op))
		assert.Equal(t, used, testkit.Descriptors())
		r, err := ring.New(ring.Config{})
		undo()
		require.NoError(t, err)
		assert.Equal(t, ring.Portable, r.Info().Engine)
		assert.Contains(t, r.Info().Reason, uring.OpName(op))
		stillWorks(t, r)
		closeRing(t, r)
	}
}

// A permission that is missing in a file system is no restriction of the ring.
func TestNoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has it")
	}
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		path := t.TempDir() + "/file"
		require.NoError(t, os.WriteFile(path, nil, 0))
		for range 2 {
			fails(t, r, ops.Open(path, unix.O_RDWR, 0), syscall.EACCES, path)
		}
		native := r.Info().Operations[ops.CodeOpen-1].Route
		assert.Equal(t, r.Info().Operations[ops.CodeNop-1].Route, native)
	})
}

// A command that a file does not have is asked for elsewhere, where it is the same.
func TestUnknownCommand(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		fd, _ := tempFile(t, "")
		for range 2 {
			fails(t, r, ops.SocketInq(fd), syscall.EOPNOTSUPP, onFD(fd))
		}
		a, _ := unixPair(t, unix.SOCK_STREAM)
		assert.Zero(t, do(t, r, ops.SocketInq(a)).N(), "the ring itself does not ask local sockets")
	})
}
