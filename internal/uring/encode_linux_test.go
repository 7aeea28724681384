package uring

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// encoding is a request and the entry that the manual pages of its opcode
// (io_uring_enter(2), io_uring_prep_*(3)) ask for. UserData is added.
type encoding struct {
	name string
	req  ops.Request
	want SQE
}

const anyData = 0x0123456789abcdef

func TestEncode(t *testing.T) {
	var cases []encoding
	cases = append(cases, transferEncodings()...)
	cases = append(cases, fileEncodings()...)
	cases = append(cases, pathEncodings()...)
	cases = append(cases, socketEncodings()...)
	cases = append(cases, otherEncodings()...)
	cases = append(cases, directEncodings()...)
	cases = append(cases, selectEncodings()...)
	cases = append(cases, fixedEncodings()...)
	cases = append(cases, futexEncodings()...)
	for _, more := range [][]encoding{
		nameEncodings(), xattrEncodings(), adviseEncodings(), commandEncodings(), descriptorEncodings(),
	} {
		cases = append(cases, more...)
	}
	seen := map[ops.Code]bool{
		ops.CodePost: true, ops.CodeReadFile: true, // no entry, and three: TestEncodeReadFile
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.NoError(t, c.req.Validate())
			c.want.UserData = anyData
			assert.Equal(t, c.want, dirtyEncode(t, &c.req))
			op, ok := Opcode(c.req.Code)
			assert.True(t, ok)
			assert.Equal(t, c.want.Opcode, op)
		})
		seen[c.req.Code] = true
	}
	for c := ops.CodeInvalid + 1; c.Valid(); c++ {
		if _, native := Opcode(c); native {
			assert.True(t, seen[c], "no encoding of %v is tested", c)
		}
	}
}

// dirtyEncode encodes into an entry full of ones and into one full of zeros,
// which must not differ. (trap 9)
func dirtyEncode(t *testing.T, r *ops.Request) SQE {
	t.Helper()
	var fresh, dirty SQE
	for i := range unsafe.Slice((*byte)(unsafe.Pointer(&dirty)), unsafe.Sizeof(dirty)) {
		*(*byte)(unsafe.Add(unsafe.Pointer(&dirty), i)) = 0xff
	}
	Encode(&fresh, r, anyData)
	Encode(&dirty, r, anyData)
	assert.Equal(t, fresh, dirty)
	return dirty
}

func at[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func transferEncodings() []encoding {
	buf := make([]byte, 100)
	p := at(&buf[0])
	vec := ops.Readv(3, [][]byte{buf[:10], nil, buf[20:50]}, 4096)
	iov := vec.Arg.(*ops.Vectors).Iovecs()
	wvec := ops.Writev(3, [][]byte{buf}, ops.Current).WithRWFlags(unix.RWF_APPEND)
	wiov := wvec.Arg.(*ops.Vectors).Iovecs()
	linked := ops.Write(3, buf, 0)
	linked.Link = ops.Soft
	hard := ops.Recv(4, buf, 0)
	hard.Link = ops.Hard
	as := ops.Read(3, buf, 0)
	as.Personality = 5
	return []encoding{
		{"read", ops.Read(3, buf, 7), SQE{Opcode: 22, FD: 3, Off: 7, Addr: p, Len: 100}},
		{"read at position", ops.Read(3, buf[:5], ops.Current), SQE{Opcode: 22, FD: 3, Off: 1<<64 - 1, Addr: p, Len: 5}},
		{"read nothing", ops.Read(3, nil, 0), SQE{Opcode: 22, FD: 3}},
		{"read empty", ops.Read(3, buf[:0], 0), SQE{Opcode: 22, FD: 3, Addr: p}},
		{"read nowait", ops.Read(3, buf, 0).WithRWFlags(unix.RWF_NOWAIT), SQE{Opcode: 22, FD: 3, Addr: p, Len: 100, OpFlags: 8}},
		{"read as", as, SQE{Opcode: 22, FD: 3, Addr: p, Len: 100, Personality: 5}},
		{"write", ops.Write(3, buf, 1<<40), SQE{Opcode: 23, FD: 3, Off: 1 << 40, Addr: p, Len: 100}},
		{"write linked", linked, SQE{Opcode: 23, Flags: 4, FD: 3, Addr: p, Len: 100}},
		{"readv", vec, SQE{Opcode: 1, FD: 3, Off: 4096, Addr: at(&iov[0]), Len: 3}},
		{"readv nothing", ops.Readv(3, nil, 0), SQE{Opcode: 1, FD: 3}},
		{"writev", wvec, SQE{Opcode: 2, FD: 3, Off: 1<<64 - 1, Addr: at(&wiov[0]), Len: 1, OpFlags: 0x10}},
		{"send", ops.Send(4, buf, unix.MSG_MORE), SQE{Opcode: 26, FD: 4, Addr: p, Len: 100, OpFlags: 0x8000}},
		{"send poll first", ops.Send(4, buf, 0).WithPollFirst(), SQE{Opcode: 26, Ioprio: 1, FD: 4, Addr: p, Len: 100}},
		{"recv", ops.Recv(4, buf, unix.MSG_PEEK), SQE{Opcode: 27, FD: 4, Addr: p, Len: 100, OpFlags: 2}},
		{"recv poll first", ops.Recv(4, buf, 0).WithPollFirst(), SQE{Opcode: 27, Ioprio: 1, FD: 4, Addr: p, Len: 100}},
		{"recv linked", hard, SQE{Opcode: 27, Flags: 8, FD: 4, Addr: p, Len: 100}},
		{"bad descriptor", ops.Recv(math.MaxInt, nil, 0), SQE{Opcode: 27, FD: -1}},
	}
}

func fileEncodings() []encoding {
	return []encoding{
		{"close", ops.Close(9), SQE{Opcode: 19, FD: 9}},
		{"fsync", ops.Fsync(3), SQE{Opcode: 3, FD: 3}},
		{"fdatasync", ops.Fdatasync(3), SQE{Opcode: 3, FD: 3, OpFlags: 1}},
		{"fallocate", ops.Fallocate(3, unix.FALLOC_FL_KEEP_SIZE, 10, 20), SQE{Opcode: 17, FD: 3, Off: 10, Addr: 20, Len: 1}},
		{"ftruncate", ops.Ftruncate(3, 1<<33), SQE{Opcode: 55, FD: 3, Off: 1 << 33}},
		{"splice", ops.Splice(3, 100, 4, ops.Current, 50, unix.SPLICE_F_MOVE),
			SQE{Opcode: 30, FD: 4, Off: 1<<64 - 1, Addr: 100, Len: 50, OpFlags: 1, FileIndex: 3}},
		{"splice much", ops.Splice(3, ops.Current, 4, 200, 1<<31-1, 0),
			SQE{Opcode: 30, FD: 4, Off: 200, Addr: 1<<64 - 1, Len: 0x7ffff000, FileIndex: 3}},
		{"tee", ops.Tee(3, 4, 50, unix.SPLICE_F_NONBLOCK), SQE{Opcode: 33, FD: 4, Len: 50, OpFlags: 2, FileIndex: 3}},
	}
}

func pathEncodings() []encoding {
	open := ops.Open("/a", unix.O_RDWR|unix.O_CREAT, 0o640)
	openAt := ops.OpenAt(7, "a", unix.O_RDONLY, 0).Inheritable()
	open2 := ops.OpenAt2(7, "a", &unix.OpenHow{Flags: unix.O_RDONLY, Resolve: unix.RESOLVE_BENEATH})
	st := new(unix.Statx_t)
	statx := ops.Statx(unix.AT_FDCWD, "a", unix.AT_SYMLINK_NOFOLLOW, unix.STATX_SIZE, st)
	statxFD := ops.StatxFD(3, 0, unix.STATX_BASIC_STATS, st)
	return []encoding{
		{"open", open, SQE{Opcode: 18, FD: -100, Addr: at(&open.Buf[0]), Len: 0o640,
			OpFlags: unix.O_RDWR | unix.O_CREAT | unix.O_CLOEXEC | unix.O_LARGEFILE}},
		{"openat", openAt, SQE{Opcode: 18, FD: 7, Addr: at(&openAt.Buf[0]), OpFlags: unix.O_LARGEFILE}},
		{"openat2", open2, SQE{Opcode: 28, FD: 7, Off: at(open2.Arg.(*unix.OpenHow)), Addr: at(&open2.Buf[0]), Len: 24}},
		{"statx", statx, SQE{Opcode: 21, FD: -100, Off: at(st), Addr: at(&statx.Buf[0]), Len: 0x200, OpFlags: 0x100}},
		{"statx descriptor", statxFD, SQE{Opcode: 21, FD: 3, Off: at(st), Addr: at(&statxFD.Buf[0]), Len: 0x7ff, OpFlags: 0x1000}},
	}
}

func socketEncodings() []encoding {
	peer := new(ops.Sockaddr)
	addr := ops.UNIX("@x")
	msg := &ops.Msg{Buffers: [][]byte{{1}, {2}}, Addr: addr, Control: make([]byte, 32)}
	into := ops.NewMsg([]byte{1})
	return []encoding{
		{"accept", ops.Accept(3, unix.SOCK_NONBLOCK), SQE{Opcode: 13, FD: 3, OpFlags: unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC}},
		{"accept inheritable", ops.Accept(3, 0).Inheritable(), SQE{Opcode: 13, FD: 3}},
		{"accept poll first", ops.Accept(3, 0).WithPollFirst(), SQE{Opcode: 13, Ioprio: 4, FD: 3, OpFlags: unix.SOCK_CLOEXEC}},
		{"accept address", ops.AcceptAddr(3, 0, peer),
			SQE{Opcode: 13, FD: 3, Off: at(&peer.Len), Addr: at(&peer.Data), OpFlags: unix.SOCK_CLOEXEC}},
		{"accept multishot", ops.AcceptMulti(3, 0), SQE{Opcode: 13, Ioprio: 1, FD: 3, OpFlags: unix.SOCK_CLOEXEC}},
		{"accept multishot with addresses", ops.AcceptMultiAddr(3, 0), SQE{Opcode: 13, Ioprio: 1, FD: 3, OpFlags: unix.SOCK_CLOEXEC}},
		{"connect", ops.Connect(3, addr), SQE{Opcode: 16, FD: 3, Off: 4, Addr: at(&addr.Data)}},
		{"socket", ops.Socket(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDP),
			SQE{Opcode: 45, FD: 10, Off: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC, Len: 17}},
		{"shutdown", ops.Shutdown(3, unix.SHUT_RDWR), SQE{Opcode: 34, FD: 3, Len: 2}},
		{"sendmsg", ops.Sendmsg(3, msg, unix.MSG_DONTWAIT), SQE{Opcode: 9, FD: 3, Addr: at(msg.SendHeader()), Len: 1, OpFlags: 0x40}},
		{"recvmsg", ops.Recvmsg(3, into, 0).WithPollFirst(), SQE{Opcode: 10, Ioprio: 1, FD: 3, Addr: at(into.RecvHeader()), Len: 1}},
	}
}

func otherEncodings() []encoding {
	ts := &ops.Timespec{Sec: 1}
	timer := ops.Timer(time.Second)
	timer.Arg = ts
	poll := func(mode ops.Mode) ops.Request {
		return ops.Request{Code: ops.CodePoll, FD: 3, Flags: unix.POLLIN | unix.POLLRDHUP, Mode: mode}
	}
	change := ops.Request{Code: ops.CodePollUpdate, FD: 5, Offset: -1 << 63, Flags: unix.POLLOUT}
	changeMulti := change
	changeMulti.Mode = ops.Multishot
	return []encoding{
		{"nop", ops.Nop(), SQE{Opcode: 0, FD: -1}},
		{"timer in a chain", timer, SQE{Opcode: 11, FD: -1, Addr: at(ts), Len: 1, OpFlags: 0x20}},
		{"poll", poll(0), SQE{Opcode: 6, FD: 3, OpFlags: pollEvents(0x2001)}},
		{"poll edge", poll(ops.Multishot), SQE{Opcode: 6, FD: 3, Len: 1, OpFlags: pollEvents(0x2001)}},
		{"poll level", poll(ops.Multishot | ops.Level), SQE{Opcode: 6, FD: 3, OpFlags: pollEvents(0x2001)}},
		{"poll update", change, SQE{Opcode: 7, FD: -1, Addr: 1 << 63, Len: 2, OpFlags: pollEvents(4)}},
		{"poll update multishot", changeMulti, SQE{Opcode: 7, FD: -1, Addr: 1 << 63, Len: 3, OpFlags: pollEvents(4)}},
	}
}

// A request without a native route must fail, not vanish or do something else.
func TestEncodeWithoutRoute(t *testing.T) {
	for _, r := range []ops.Request{
		{Code: ops.CodePost}, {Code: ops.CodeTimer}, {Code: ops.CodeInvalid}, {Code: 255},
		{Code: ops.CodeReadv}, {Code: ops.CodeOpen2}, {Code: ops.CodeStatx}, {Code: ops.CodeConnect},
		{Code: ops.CodeSendmsg}, {Code: ops.CodeRecvmsg},
		{Code: ops.CodeFutexWait}, {Code: ops.CodeFutexWake}, {Code: ops.CodeFutexWaitv},
	} {
		assert.Equal(t, opNone, dirtyEncode(t, &r).Opcode, "%v", r.Code)
	}
	for _, c := range []ops.Code{ops.CodeInvalid, ops.CodePost, 255} {
		_, ok := Opcode(c)
		assert.False(t, ok, "%v", c)
	}
}

func TestEncodeForTheRing(t *testing.T) {
	dirty := SQE{255, 255, 255, -1, 1 << 63, 1 << 63, 9, 9, 9, 9, 9, 9, 9, 9}
	check := func(want SQE, f func(q *SQE)) {
		q := dirty
		f(&q)
		assert.Equal(t, want, q)
	}
	check(SQE{FD: -1, UserData: 7}, func(q *SQE) { EncodeNop(q, 7) })
	check(SQE{Opcode: 6, FD: 3, OpFlags: pollEvents(1), UserData: 7}, func(q *SQE) { EncodePoll(q, 3, 1, false, 7) })
	check(SQE{Opcode: 6, FD: 3, Len: 1, OpFlags: pollEvents(1), UserData: 7}, func(q *SQE) { EncodePoll(q, 3, 1, true, 7) })
	check(SQE{Opcode: 14, FD: -1, Addr: 42, UserData: 7}, func(q *SQE) { EncodeCancel(q, 42, 7) })
	check(SQE{Opcode: 14, FD: 3, OpFlags: 3, UserData: 7}, func(q *SQE) { EncodeCancelFD(q, 3, 7) })
	check(SQE{Opcode: 14, FD: -1, OpFlags: 5, UserData: 7}, func(q *SQE) { EncodeCancelAny(q, 7) })
}

// trap 19
func TestEncodeClampsLength(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) < 8 {
		t.Skip("no such buffers on 32-bit systems")
	}
	var b byte // only the length is looked at
	huge := unsafe.Slice(&b, 1)
	(*struct {
		p        unsafe.Pointer
		len, cap int
	})(unsafe.Pointer(&huge)).len = ops.MaxTransfer + 1
	assert.EqualValues(t, ops.MaxTransfer, lenOf(huge))
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	var q SQE
	for _, c := range append(transferEncodings(), append(socketEncodings(), otherEncodings()...)...) {
		assert.Zero(t, testing.AllocsPerRun(10, func() { Encode(&q, &c.req, 1) }), c.name)
	}
}

func BenchmarkEncode(b *testing.B) {
	buf := make([]byte, 100)
	timer := otherEncodings()[1].req
	for _, r := range []ops.Request{ops.Nop(), ops.Read(3, buf, 0), ops.Recv(3, buf, 0), ops.Accept(3, 0), timer} {
		b.Run(r.Code.String(), func(b *testing.B) {
			b.ReportAllocs()
			q := new(SQE)
			for b.Loop() {
				Encode(q, &r, 1)
			}
		})
	}
}

// The encoding of usual operations is what Encode does.
func TestEncodeUsual(t *testing.T) {
	buf, n := make([]byte, 100), 0
	for c := ops.CodeInvalid + 1; c.Valid(); c++ {
		if !IsUsual(c) {
			continue
		}
		for _, fd := range []int32{7, -1, int32(ops.DirectAt(3).FD())} {
			r := ops.Request{Code: c, FD: fd, Flags: 5, Len: 6, Offset: 1 << 40, Buf: buf, Priority: ops.High, Tag: t}
			got := SQE{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
			UsualOf(c).Encode(&got, &r)
			got.UserData = anyData
			if NamesDirect(&r) {
				EncodeTarget(&got)
			}
			assert.Equal(t, dirtyEncode(t, &r), got, "%v of %d", c, fd)
			n++
		}
	}
	assert.NotZero(t, n)
}
