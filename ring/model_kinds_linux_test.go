package ring_test

import (
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
)

// Steps with pipes, sockets and direct descriptors: see model_linux_test.go.

// openDirect opens a file as a direct descriptor, whose twin is an ordinary one: what
// is done to it later must come out the same.
func (z *zone) openDirect(in *source, s *step) {
	if !testkit.KernelHas("6.0") || !can(z.m.r, ops.CodeRegister) { // where that is hidden, so is open
		z.open(in, s)
		return
	}
	name, ours, twin := z.path(in)
	flags := oneOf(in, unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_RDWR|unix.O_APPEND, unix.O_DIRECTORY)
	flags |= oneOf(in, 0, unix.O_CREAT, unix.O_CREAT|unix.O_EXCL)
	s.name = fmt.Sprintf("open direct %s %#x", name, flags)
	s.req = ops.Open(ours, flags, 0o644).IntoDirect()
	s.call = func() (int, error) { return unix.Open(twin, flags|unix.O_CLOEXEC, 0o644) }
	z.opens(s)
}

// ordinary is file, and none for direct descriptors, which the operation does not know.
func (z *zone) ordinary(in *source) twins {
	f := z.file(in)
	if ops.DirectOf(f.ours).Valid() {
		return twins{-1, -1}
	}
	return f
}

// closeTwins closes both; a direct descriptor ends with its Ring.
func closeTwins(f twins) error {
	if !ops.DirectOf(f.ours).Valid() {
		if err := unix.Close(f.ours); err != nil {
			return err
		}
	}
	return unix.Close(f.twin)
}

// makePipe makes a pipe and uses it.
func (z *zone) makePipe(in *source, s *step) {
	flags := oneOf(in, 0, unix.O_NONBLOCK, unix.O_DIRECT, unix.O_APPEND)
	ends, twin := new(ops.PipeEnds), make([]int, 2)
	s.alone = flags == unix.O_APPEND // refused at once, with all of its chain
	s.name = fmt.Sprintf("pipe %#x", flags)
	s.req = ops.Pipe(ends, flags)
	s.call = func() (int, error) { return noResult(unix.Pipe2(twin, flags|unix.O_CLOEXEC)) }
	s.compared = func(int) {
		ours := ends.FDs
		z.late = append(z.late, twins{int(ours[0]), twin[0]}, twins{int(ours[1]), twin[1]})
		z.sameFlags(s, int(ours[0]), twin[0])
		z.sameFlags(s, int(ours[1]), twin[1])
		write(z.m.t, int(ours[1]), "through")
		n, err := unix.Read(int(ours[0]), make([]byte, 10))
		assert.Equal(z.m.t, 7, n, "%s: %v", s.name, err)
	}
}

func (z *zone) sameFlags(s *step, ours, twin int) {
	for _, cmd := range []int{unix.F_GETFL, unix.F_GETFD} {
		assert.Equal(z.m.t, fcntl(z.m.t, twin, cmd), fcntl(z.m.t, ours, cmd), s.name)
	}
}

// makeSocket makes a socket. It is no file to later steps: of no bytes, plain calls
// would write none to it, where those on the ring ask the socket.
func (z *zone) makeSocket(in *source, s *step) {
	domain := oneOf(in, unix.AF_UNIX, unix.AF_UNIX, unix.AF_INET, 77)
	typ := oneOf(in, unix.SOCK_STREAM, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 9)
	proto := oneOf(in, 0, 0, 77)
	s.name = fmt.Sprintf("socket %d %#x %d", domain, typ, proto)
	s.req = ops.Socket(domain, typ, proto)
	s.call = func() (int, error) { return unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto) }
	s.isOpen = true
	s.opened = func(ours, twin int) {
		z.late = append(z.late, twins{ours, twin})
		z.sameFlags(s, ours, twin)
	}
}

// pairs returns two pairs of sockets of the step's own.
func (z *zone) pairs(typ int) (a, b twins) {
	ours, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	require.NoError(z.m.t, err)
	twin, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	require.NoError(z.m.t, err)
	a, b = twins{ours[0], twin[0]}, twins{ours[1], twin[1]}
	z.late = append(z.late, a, b)
	return a, b
}

func socketType(in *source) int {
	return oneOf(in, unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET)
}

// both makes a plain call on both, with the same outcome.
func (f twins) both(z *zone, call func(fd int) error) {
	require.Equal(z.m.t, call(f.ours), call(f.twin))
}

// send sends to a socket whose other end may be shut.
func (z *zone) send(in *source, s *step) {
	typ, parts := socketType(in), make([][]byte, 1+in.pick(4))
	a, b := z.pairs(typ)
	if in.pick(4) == 1 {
		b.both(z, func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
	}
	n := 0
	for i := range parts {
		parts[i] = make([]byte, in.pick(100))
		for j := range parts[i] {
			parts[i][j] = byte('a' + i)
		}
		n += len(parts[i])
	}
	flags := oneOf(in, unix.MSG_NOSIGNAL, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, unix.MSG_NOSIGNAL|unix.MSG_OOB)
	s.name = fmt.Sprintf("sendmsg type %d, %d bytes in %d parts, %#x", typ, n, len(parts), flags)
	if len(parts) == 1 {
		s.req = ops.Send(a.ours, parts[0], flags)
	} else {
		s.req = ops.Sendmsg(a.ours, ops.NewMsg(parts...), flags)
	}
	s.call = func() (int, error) { return unix.SendmsgBuffers(a.twin, parts, nil, nil, flags) }
	s.compared = func(int) { z.sameQueue(s, b) }
}

// sameQueue reads what two sockets have.
func (z *zone) sameQueue(s *step, f twins) {
	var text [2]string
	for i, fd := range []int{f.ours, f.twin} {
		buf := make([]byte, 500)
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
		text[i] = fmt.Sprint(string(buf[:max(n, 0)]), err)
	}
	assert.Equal(z.m.t, text[1], text[0], s.name)
}

// recv receives from a socket that has something, or whose other end is shut.
func (z *zone) recv(in *source, s *step) {
	typ, n := socketType(in), 1+in.pick(150)
	a, b := z.pairs(typ)
	full := in.pick(3) > 0
	a.both(z, func(fd int) error {
		if full {
			if _, err := unix.Write(fd, make([]byte, 1+n/2)); err != nil {
				return err
			}
			_, err := unix.Write(fd, []byte("more"))
			return err
		}
		return nil
	})
	b.both(z, func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
	ours, twin := make([]byte, n), make([]byte, n)
	flags := oneOf(in, 0, unix.MSG_PEEK, unix.MSG_TRUNC, unix.MSG_DONTWAIT, unix.MSG_WAITALL)
	if typ == unix.SOCK_SEQPACKET {
		flags &^= unix.MSG_WAITALL // the kernel's ring would put packets together
	}
	s.name = fmt.Sprintf("recv type %d, %d bytes, %#x, full %v", typ, n, flags, full)
	s.req = ops.Recv(b.ours, ours, flags)
	s.call = func() (int, error) {
		n, _, err := unix.Recvfrom(b.twin, twin, flags)
		return n, err
	}
	s.alone = flags == unix.MSG_WAITALL // else a short one, or a cut one, breaks no chain
	s.compared = func(int) {
		assert.Equal(z.m.t, twin, ours, s.name)
		z.sameQueue(s, b)
	}
}
