package uring

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// BenchmarkSendPieces sends so many pieces to a socket, from whose other end they
// are read again: one by one, with a sendmsg, and with a bundle. The time is that of
// all pieces. It is what decisions/0009 rests on.
func BenchmarkSendPieces(b *testing.B) {
	for _, pieces := range []int{1, 4, 16, 64} {
		for _, size := range []int{64, 1024} {
			for _, way := range []string{"send", "sendmsg", "bundle"} {
				b.Run(fmt.Sprintf("pieces=%d/size=%d/%s", pieces, size, way), func(b *testing.B) {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					benchSendPieces(b, pieces, size, way)
				})
			}
		}
	}
}

func benchSendPieces(b *testing.B, pieces, size int, way string) {
	r, err := Setup(Options{Entries: 128, Pinned: true})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	br, err := r.RegisterBufRing(1, 128, 0)
	if err != nil {
		b.Skip(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	parts := make([][]byte, pieces)
	for i := range parts {
		parts[i] = make([]byte, size)
	}
	send, into := sender(pair[0], parts, br, way), make([]byte, pieces*size)
	b.ReportAllocs()
	for b.Loop() {
		n := send(r.SQ)
		if _, err := r.EnterPlain(r.SQ.Publish(), n, EnterGetEvents); err != nil {
			b.Fatal(err)
		}
		total := 0
		for i := range r.CQ.Ready() {
			if c := r.CQ.At(i); c.Res < 0 {
				b.Fatal(unix.Errno(-c.Res))
			} else {
				total += int(c.Res)
			}
		}
		r.CQ.Advance(r.CQ.Ready())
		if n, err := unix.Read(pair[1], into); n != total || total != len(into) || err != nil {
			b.Fatal(n, total, err)
		}
	}
}

// sender returns a function that stages the sends, and returns their number.
func sender(fd int, parts [][]byte, br *BufRing, way string) func(*SQ) uint32 {
	switch way {
	case "send":
		return func(sq *SQ) uint32 {
			for i := range parts {
				req := ops.Send(fd, parts[i], 0)
				Encode(sq.Next(), &req, uint64(i))
			}
			return uint32(len(parts))
		}
	case "sendmsg":
		req := ops.Sendmsg(fd, ops.NewMsg(parts...), 0)
		return func(sq *SQ) uint32 {
			Encode(sq.Next(), &req, 0)
			return 1
		}
	}
	return func(sq *SQ) uint32 {
		for i := range parts {
			br.AddBytes(parts[i], uint16(i))
		}
		br.Publish()
		*sq.Next() = SQE{
			Opcode: OpSend, FD: int32(fd), Flags: SQEFlagBufferSelect, Ioprio: RecvSendBundle,
			BufIndex: br.Group(),
		}
		return 1
	}
}

// A bundle that finds the socket full has taken all its buffers off the ring, and
// when it is cancelled says how many bytes were sent, but names only the first buffer.
func TestKernelSendBundle(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	if r.Features()&FeatRecvSendBundle == 0 {
		t.Skip("the kernel has no bundles")
	}
	br, err := r.RegisterBufRing(1, 64, 0)
	require.NoError(t, err)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	require.NoError(t, unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 1))
	mem := make([]byte, 64*1024)
	for i := range 64 {
		br.AddBytes(mem[i*1024:(i+1)*1024], uint16(i))
	}
	br.Publish()
	*r.SQ.Next() = SQE{Opcode: OpSend, FD: int32(pair[0]), Flags: SQEFlagBufferSelect, Ioprio: RecvSendBundle, BufIndex: 1, UserData: 1}
	submit(t, r, 0)
	require.Zero(t, r.CQ.Ready(), "it waits for room")
	head, err := br.Head()
	require.NoError(t, err)
	assert.EqualValues(t, 64, head, "none is left on the ring")
	EncodeCancel(r.SQ.Next(), 1, 2)
	submit(t, r, 0)
	for range 2 {
		if c := await(t, r); c.UserData == 1 {
			assert.Greater(t, c.Res, int32(0))
			assert.Less(t, c.Res, int32(len(mem)))
			assert.Zero(t, c.Flags>>CQEBufferShift)
			n, err := unix.Read(pair[1], mem)
			require.NoError(t, err)
			assert.EqualValues(t, n, c.Res)
		}
	}
}
