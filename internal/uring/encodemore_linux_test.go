package uring

import (
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// little leaves out cases whose wanted words are written for little-endian machines.
func little(cases []encoding) []encoding {
	if cpu.IsBigEndian {
		return nil
	}
	return cases
}

func nameEncodings() []encoding {
	second := func(r ops.Request) uint64 { return at(&r.Arg.(*ops.SecondPath).Bytes()[0]) }
	unlink, rmdir := ops.Unlink("a"), ops.UnlinkAt(7, "a", unix.AT_REMOVEDIR)
	mkdir := ops.MkdirAt(7, "a", 0o750)
	rename, exchange := ops.Rename("a", "b"), ops.RenameAt(7, "a", 8, "b", unix.RENAME_EXCHANGE)
	link, name := ops.HardlinkAt(7, "a", 8, "b", unix.AT_SYMLINK_FOLLOW), ops.HardlinkFD(3, 8, "b")
	empty := ops.HardlinkAt(7, "", unix.AT_FDCWD, "b", unix.AT_EMPTY_PATH)
	symlink := ops.SymlinkAt("to", 7, "from")
	return []encoding{
		{"unlink", unlink, SQE{Opcode: 36, FD: -100, Addr: at(&unlink.Buf[0])}},
		{"rmdir", rmdir, SQE{Opcode: 36, FD: 7, Addr: at(&rmdir.Buf[0]), OpFlags: 0x200}},
		{"mkdir", mkdir, SQE{Opcode: 37, FD: 7, Addr: at(&mkdir.Buf[0]), Len: 0o750}},
		{"rename", rename, SQE{Opcode: 35, FD: -100, Off: second(rename), Addr: at(&rename.Buf[0]), Len: 1<<32 - 100}},
		{"exchange", exchange, SQE{Opcode: 35, FD: 7, Off: second(exchange), Addr: at(&exchange.Buf[0]), Len: 8, OpFlags: 2}},
		{"link", link, SQE{Opcode: 39, FD: 7, Off: second(link), Addr: at(&link.Buf[0]), Len: 8, OpFlags: 0x400}},
		{"link descriptor", name, SQE{Opcode: 39, FD: -100, Off: second(name), Addr: at(&name.Buf[0]), Len: 8, OpFlags: 0x400}},
		{"link empty", empty, SQE{Opcode: 39, FD: 7, Off: second(empty), Addr: at(&empty.Buf[0]), Len: 1<<32 - 100, OpFlags: 0x1000}},
		{"symlink", symlink, SQE{Opcode: 38, FD: 7, Off: second(symlink), Addr: at(&symlink.Buf[0])}},
	}
}

func xattrEncodings() []encoding {
	value := make([]byte, 50)
	p := at(&value[0])
	name := func(r ops.Request) uint64 { return at(&r.Arg.(*ops.Xattr).Name()[0]) }
	path := func(r ops.Request) uint64 { return at(&r.Arg.(*ops.Xattr).Path()[0]) }
	get, size := ops.Getxattr("/a", "user.x", value), ops.Getxattr("/a", "user.x", nil)
	set := ops.Setxattr("/a", "user.x", value, unix.XATTR_REPLACE)
	fget, fset := ops.Fgetxattr(3, "user.x", value), ops.Fsetxattr(3, "user.x", value[:9], unix.XATTR_CREATE)
	return []encoding{
		{"getxattr", get, SQE{Opcode: 44, Off: p, Addr: name(get), Len: 50, Addr3: path(get)}},
		{"getxattr size", size, SQE{Opcode: 44, Addr: name(size), Addr3: path(size)}},
		{"setxattr", set, SQE{Opcode: 42, Off: p, Addr: name(set), Len: 50, OpFlags: 2, Addr3: path(set)}},
		{"fgetxattr", fget, SQE{Opcode: 43, FD: 3, Off: p, Addr: name(fget), Len: 50}},
		{"fsetxattr", fset, SQE{Opcode: 41, FD: 3, Off: p, Addr: name(fset), Len: 9, OpFlags: 1}},
	}
}

func adviseEncodings() []encoding {
	memory := make([]byte, 8192)
	return []encoding{
		{"sync range", ops.SyncFileRange(3, 1<<40, math.MaxUint32, unix.SYNC_FILE_RANGE_WRITE),
			SQE{Opcode: 8, FD: 3, Off: 1 << 40, Len: 1<<32 - 1, OpFlags: 2}},
		{"fadvise", ops.Fadvise(3, 10, 20, unix.FADV_DONTNEED), SQE{Opcode: 24, FD: 3, Off: 10, Len: 20, OpFlags: unix.FADV_DONTNEED}},
		{"fadvise to the end", ops.Fadvise(3, 10, 0, unix.FADV_RANDOM), SQE{Opcode: 24, FD: 3, Off: 10, OpFlags: 1}},
		{"fadvise much", ops.Fadvise(3, 0, 1<<32, unix.FADV_NORMAL), SQE{Opcode: 24, FD: 3, Addr: 1 << 32}},
		{"madvise", ops.Madvise(memory, unix.MADV_WILLNEED), SQE{Opcode: 25, FD: -1, Addr: at(&memory[0]), Len: 8192, OpFlags: 3}},
		{"madvise nothing", ops.Madvise(nil, unix.MADV_WILLNEED), SQE{Opcode: 25, FD: -1, OpFlags: 3}},
	}
}

func commandEncodings() []encoding {
	value, addr := make([]byte, 8), ops.UNIX("@stale")
	return little([]encoding{
		{"inq", ops.SocketInq(3), SQE{Opcode: 46, FD: 3, Off: 0}},
		{"outq", ops.SocketOutq(3), SQE{Opcode: 46, FD: 3, Off: 1}},
		{"getsockopt", ops.Getsockopt(3, unix.SOL_SOCKET, unix.SO_RCVBUF, value),
			SQE{Opcode: 46, FD: 3, Off: 2, Addr: 8<<32 | 1, FileIndex: 8, Addr3: at(&value[0])}},
		{"setsockopt", ops.Setsockopt(3, unix.IPPROTO_TCP, unix.TCP_NODELAY, value[:4]),
			SQE{Opcode: 46, FD: 3, Off: 3, Addr: 1<<32 | 6, FileIndex: 4, Addr3: at(&value[0])}},
		{"setsockopt nothing", ops.Setsockopt(3, 1, 2, nil), SQE{Opcode: 46, FD: 3, Off: 3, Addr: 2<<32 | 1}},
		{"getsockname", ops.SocketName(3, addr), SQE{Opcode: 46, FD: 3, Off: 5, Addr: at(&addr.Data), Addr3: at(&addr.Len)}},
		{"getpeername", ops.PeerName(3, addr),
			SQE{Opcode: 46, FD: 3, Off: 5, Addr: at(&addr.Data), FileIndex: 1, Addr3: at(&addr.Len)}},
	})
}

func descriptorEncodings() []encoding {
	ends := new(ops.PipeEnds)
	events := make([]unix.EpollEvent, 5)
	add := ops.EpollCtl(3, unix.EPOLL_CTL_ADD, 9, &unix.EpollEvent{Events: unix.EPOLLIN})
	addr := ops.UNIX("@to")
	buf := make([]byte, 10)
	result := ops.Nop()
	result.Flags, result.Len = NopInjectResult, 77
	return []encoding{
		{"pipe", ops.Pipe(ends, unix.O_NONBLOCK), SQE{Opcode: 62, Addr: at(&ends.FDs), OpFlags: unix.O_NONBLOCK | unix.O_CLOEXEC}},
		{"pipe inheritable", ops.Pipe(ends, 0).Inheritable(), SQE{Opcode: 62, Addr: at(&ends.FDs)}},
		{"install", ops.Install(ops.DirectAt(5)), SQE{Opcode: 54, Flags: 1, FD: 5}},
		{"install inheritable", ops.Install(ops.DirectAt(5)).Inheritable(), SQE{Opcode: 54, Flags: 1, FD: 5, OpFlags: 1}},
		{"epoll_ctl", add, SQE{Opcode: 29, FD: 3, Off: 9, Addr: at(add.Arg.(*unix.EpollEvent)), Len: 1}},
		{"epoll_ctl del", ops.EpollCtl(3, unix.EPOLL_CTL_DEL, 9, nil), SQE{Opcode: 29, FD: 3, Off: 9, Len: 2}},
		{"epoll_wait", ops.EpollWait(3, events), SQE{Opcode: 59, FD: 3, Addr: at(&events[0]), Len: 5}},
		{"bind", ops.Bind(3, addr), SQE{Opcode: 56, FD: 3, Off: 5, Addr: at(&addr.Data)}},
		{"listen", ops.Listen(3, 128), SQE{Opcode: 57, FD: 3, Len: 128}},
		{"nop with a result", result, SQE{Opcode: 0, FD: -1, Len: 77, OpFlags: 1}},
		{"send to", ops.SendTo(3, buf, unix.MSG_MORE, addr),
			SQE{Opcode: 26, FD: 3, Off: at(&addr.Data), Addr: at(&buf[0]), Len: 10, OpFlags: 0x8000, FileIndex: lowHalf(5)}},
	}
}

// lowHalf is a word whose first two bytes in memory are n.
func lowHalf(n uint32) uint32 {
	if cpu.IsBigEndian {
		return n << 16
	}
	return n
}

// trap 19
func TestEncodeLongAdvice(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) < 8 {
		t.Skip("no such memory on 32-bit systems")
	}
	var b byte // only the length is looked at
	huge := unsafe.Slice(&b, 1)
	(*struct {
		p        unsafe.Pointer
		len, cap int
	})(unsafe.Pointer(&huge)).len = math.MaxInt
	r := ops.Madvise(huge, 0)
	q := dirtyEncode(t, &r)
	assert.EqualValues(t, uint64(math.MaxInt), q.Off)
	assert.Zero(t, q.Len)
}

// What names itself wrongly must fail, and not reach the kernel as something else.
func TestEncodeMoreWithoutArgument(t *testing.T) {
	for _, c := range []ops.Code{
		ops.CodeRename, ops.CodeHardlink, ops.CodeSymlink, ops.CodeGetxattr, ops.CodeFsetxattr,
		ops.CodePipe, ops.CodeEpollWait, ops.CodeBind, ops.CodeSocketName,
	} {
		assert.Equal(t, opNone, dirtyEncode(t, &ops.Request{Code: c}).Opcode, "%v", c)
	}
	assert.Equal(t, opNone, dirtyEncode(t, &ops.Request{Code: ops.CodeSend, Arg: 7}).Opcode)
}

func TestSince(t *testing.T) {
	for c, want := range map[ops.Code]string{
		ops.CodeNop: "5.1", ops.CodeRead: "5.6", ops.CodePipe: "6.16", ops.CodeGetsockopt: "6.7",
		ops.CodeSocketName: "6.19", ops.CodeCall: "", ops.CodeInvalid: "", 255: "",
	} {
		assert.Equal(t, want, Since(c), "%v", c)
	}
}
