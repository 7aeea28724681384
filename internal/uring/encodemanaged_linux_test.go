package uring

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

type group uint16

func (g group) GroupID() uint16 { return uint16(g) }

// directEncodings are requests on direct descriptors, and those that make them.
func directEncodings() []encoding {
	d, e := ops.DirectAt(5), ops.DirectAt(0)
	buf := make([]byte, 100)
	open := ops.Open("/a", unix.O_RDWR, 0).IntoDirect()
	open2 := ops.Open2("/a", &unix.OpenHow{Flags: unix.O_RDONLY}).IntoDirect()
	ends := new(ops.PipeEnds)
	register := ops.Register(9)
	linked := ops.Read(d.FD(), buf, 0)
	linked.Link = ops.Soft
	return []encoding{
		{"read direct", ops.Read(d.FD(), buf, 7), SQE{Opcode: 22, Flags: 1, FD: 5, Off: 7, Addr: at(&buf[0]), Len: 100}},
		{"read first direct", ops.Read(e.FD(), buf, 0), SQE{Opcode: 22, Flags: 1, Addr: at(&buf[0]), Len: 100}},
		{"read direct linked", linked, SQE{Opcode: 22, Flags: 1 | 4, FD: 5, Addr: at(&buf[0]), Len: 100}},
		{"accept on direct", ops.Accept(d.FD(), 0), SQE{Opcode: 13, Flags: 1, FD: 5, OpFlags: unix.SOCK_CLOEXEC}},
		{"close direct", ops.Close(d.FD()), SQE{Opcode: 19, FileIndex: 6}},
		{"splice direct", ops.Splice(d.FD(), 0, e.FD(), ops.Current, 9, 0),
			SQE{Opcode: 30, Flags: 1, Off: 1<<64 - 1, Len: 9, OpFlags: 1 << 31, FileIndex: 5}},
		{"tee into direct", ops.Tee(3, d.FD(), 9, 0), SQE{Opcode: 33, Flags: 1, FD: 5, Len: 9, FileIndex: 3}},
		{"open into direct", open, SQE{Opcode: 18, FD: -100, Addr: at(&open.Buf[0]), OpFlags: unix.O_RDWR | unix.O_LARGEFILE, FileIndex: 1<<32 - 1}},
		{"open2 into direct", open2, SQE{Opcode: 28, FD: -100, Off: at(open2.Arg.(*unix.OpenHow)), Addr: at(&open2.Buf[0]), Len: 24, FileIndex: 1<<32 - 1}},
		{"accept into direct", ops.AcceptMulti(d.FD(), 0).IntoDirect(), SQE{Opcode: 13, Flags: 1, Ioprio: 1, FD: 5, FileIndex: 1<<32 - 1}},
		{"socket into direct", ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0).IntoDirect(), SQE{Opcode: 45, FD: 2, Off: 1, FileIndex: 1<<32 - 1}},
		{"pipe into direct", ops.Pipe(ends, 0).IntoDirect(), SQE{Opcode: 62, Addr: at(&ends.FDs), FileIndex: 1<<32 - 1}},
		{"send direct", ops.Request{Code: ops.CodeSendDirect, Mode: ops.Managed, FD: int32(d.FD()), FD2: 8}, SQE{Opcode: 40, FD: 8, Addr: 1, Addr3: 5, FileIndex: 1<<32 - 1, OpFlags: 1}},
		{"message", ops.PostTo(inbox{}, 77), SQE{Opcode: 40, FD: 8, Off: 99, Len: 77 | 1<<30}},
		{"direct descriptor to an inbox", ops.PostDirectTo(inbox{}, d), SQE{Opcode: 40, FD: 8, Off: 99, Addr: 1, Addr3: 5, FileIndex: 1<<32 - 1}},
		{"register", register, SQE{Opcode: 20, FD: -1, Off: 1<<32 - 1, Addr: at(&register.Arg.(*ops.FileSlot).FDs), Len: 1}},
	}
}

// inbox is one of the ring whose descriptor is 8.
type inbox struct{}

func (inbox) Address() (ring int, name uint64) { return 8, 99 }

// selectEncodings are requests for which the kernel picks a buffer.
func selectEncodings() []encoding {
	messages := ops.RecvmsgMulti(4, group(3), ops.MessageRoom{Addr: true, Control: 64}, unix.MSG_TRUNC)
	return []encoding{
		{"recv select", ops.RecvSelect(4, group(3), unix.MSG_PEEK), SQE{Opcode: 27, Flags: 32, FD: 4, OpFlags: 2, BufIndex: 3}},
		{"recv multishot", ops.RecvMulti(4, group(3), 0).WithPollFirst(), SQE{Opcode: 27, Flags: 32, Ioprio: 1 | 2, FD: 4, BufIndex: 3}},
		{"recv multishot direct", ops.RecvMulti(ops.DirectAt(7).FD(), group(0), 0), SQE{Opcode: 27, Flags: 32 | 1, Ioprio: 2, FD: 7}},
		{"recvmsg multishot", messages, SQE{Opcode: 10, Flags: 32, Ioprio: 2, FD: 4, BufIndex: 3, Len: 1, OpFlags: 0x20,
			Addr: at(messages.Arg.(*ops.RecvShape).Header())}},
		{"read select", ops.ReadSelect(4, group(3), 9), SQE{Opcode: 22, Flags: 32, FD: 4, Off: 9, BufIndex: 3}},
		{"read multishot", ops.ReadMulti(4, group(3)), SQE{Opcode: 49, Flags: 32, FD: 4, Off: 1<<64 - 1, BufIndex: 3}},
	}
}

// fixedEncodings are requests on registered memory, and zero-copy sends.
func fixedEncodings() []encoding {
	mem := make([]byte, 100)
	b := ops.NewFixedMemory(mem, 6, nil).Lend(50)
	vec := ops.ReadvFixed(3, []ops.Fixed{b.Slice(0, 10), b.Slice(20, 30)}, 8)
	wvec := ops.WritevFixed(3, []ops.Fixed{b}, ops.Current)
	msg := ops.NewMsg(mem)
	iov := func(r ops.Request) uint64 { return at(&r.Arg.(*ops.FixedVectors).Iovecs()[0]) }
	return []encoding{
		{"read fixed", ops.ReadFixed(3, b, 7), SQE{Opcode: 4, FD: 3, Off: 7, Addr: at(&mem[0]), Len: 50, BufIndex: 6}},
		{"write fixed", ops.WriteFixed(3, b.Slice(5, 20), ops.Current), SQE{Opcode: 5, FD: 3, Off: 1<<64 - 1, Addr: at(&mem[5]), Len: 15, BufIndex: 6}},
		{"readv fixed", vec, SQE{Opcode: 60, FD: 3, Off: 8, Addr: iov(vec), Len: 2, BufIndex: 6}},
		{"writev fixed", wvec, SQE{Opcode: 61, FD: 3, Off: 1<<64 - 1, Addr: iov(wvec), Len: 1, BufIndex: 6}},
		{"send zero-copy", ops.SendZC(4, mem, unix.MSG_MORE), SQE{Opcode: 47, Ioprio: 8, FD: 4, Addr: at(&mem[0]), Len: 100, OpFlags: 0x8000}},
		{"send zero-copy fixed", ops.SendZCFixed(4, b, 0).WithPollFirst(), SQE{Opcode: 47, Ioprio: 8 | 4 | 1, FD: 4, Addr: at(&mem[0]), Len: 50, BufIndex: 6}},
		{"sendmsg zero-copy", ops.SendmsgZC(4, msg, 0), SQE{Opcode: 48, Ioprio: 8, FD: 4, Addr: at(msg.SendHeader()), Len: 1}},
	}
}

func TestEncodeReadFile(t *testing.T) {
	buf := make([]byte, 100)
	r := ops.ReadFileAt(7, "a", buf).WithPersonality(3)
	assert.NoError(t, r.Validate())
	var e [3]SQE
	for i := range e {
		e[i] = SQE{Opcode: 255, Flags: 255, Pad2: 1, Addr3: 1, Ioprio: 1, Off: 1} // left over (trap 9)
	}
	EncodeReadFile([3]*SQE{&e[0], &e[1], &e[2]}, &r, 9, [3]uint64{11, 12, 13})
	path := r.Arg.(*ops.FilePath).Bytes()
	assert.Equal(t, "a\x00", string(path))
	assert.Equal(t, [3]SQE{
		{Opcode: 18, Flags: 4, FD: 7, Addr: at(&path[0]), OpFlags: unix.O_LARGEFILE, FileIndex: 10, Personality: 3, UserData: 11},
		{Opcode: 22, Flags: 1 | 8, FD: 9, Addr: at(&buf[0]), Len: 100, Personality: 3, UserData: 12},
		{Opcode: 19, FileIndex: 10, UserData: 13},
	}, e)
	closing := e[2]
	EncodeReadFile([3]*SQE{&e[0], &e[1], nil}, &r, 9, [3]uint64{11, 12, 13})
	assert.EqualValues(t, 1, e[1].Flags)
	assert.Equal(t, closing, e[2])
	op, ok := Opcode(r.Code)
	assert.True(t, ok)
	assert.EqualValues(t, 18, op)
}

func TestEncodePollOfDirect(t *testing.T) {
	var q SQE
	EncodePoll(&q, int32(ops.DirectAt(5).FD()), unix.POLLIN, false, 1)
	assert.Equal(t, SQE{Opcode: 6, Flags: 1, FD: 5, OpFlags: pollEvents(unix.POLLIN), UserData: 1}, q)
}
