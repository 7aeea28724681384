package ops

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestIovecs(t *testing.T) {
	bufs := [][]byte{[]byte("a"), nil, {}, []byte("bcd")}
	iov := Readv(3, bufs, 0).Arg.(*Vectors).Iovecs()
	require.Len(t, iov, 4)
	assert.Equal(t, unix.Iovec{Base: &bufs[0][0], Len: 1}, iov[0])
	assert.Equal(t, unix.Iovec{}, iov[1])
	assert.Equal(t, unix.Iovec{}, iov[2])
	assert.Equal(t, unix.Iovec{Base: &bufs[3][0], Len: 3}, iov[3])
}

func TestHeaders(t *testing.T) {
	buf := []byte("hello")
	m := &Msg{Buffers: [][]byte{buf}, Addr: UNIX("/x"), Control: make([]byte, 24)}
	h := m.SendHeader()
	assert.Equal(t, &m.Addr.Data[0], h.Name)
	assert.EqualValues(t, m.Addr.Len, h.Namelen)
	assert.Equal(t, &buf[0], h.Iov.Base)
	assert.EqualValues(t, 1, h.Iovlen)
	assert.Equal(t, &m.Control[0], h.Control)
	assert.EqualValues(t, 24, h.Controllen)

	// What a kernel leaves behind does not shorten the next message.
	m.RecvHeader()
	h.Namelen, h.Flags = 9, unix.MSG_TRUNC
	h.SetControllen(16)
	assert.EqualValues(t, 9, m.Source().Len)
	assert.Len(t, m.Ancillary(), 16)
	assert.Equal(t, unix.MSG_TRUNC, m.Received())
	h = m.RecvHeader()
	assert.EqualValues(t, 128, h.Namelen)
	assert.EqualValues(t, 24, h.Controllen)
	assert.Zero(t, m.Received())
	assert.Zero(t, testing.AllocsPerRun(10, func() { m.RecvHeader() }))

	// A length beyond the room means that the address was cut.
	h.Namelen = 1000
	h.SetControllen(1000)
	assert.EqualValues(t, 128, m.Source().Len)
	assert.Len(t, m.Ancillary(), 24)

	bare := NewMsg()
	assert.Equal(t, unix.Msghdr{}, *bare.SendHeader())
	assert.Nil(t, bare.Source())
	assert.Empty(t, bare.Ancillary())
}

func TestOpenHow(t *testing.T) {
	how := unix.OpenHow{Flags: unix.O_RDONLY, Mode: 0, Resolve: unix.RESOLVE_IN_ROOT}
	r := Open2("a", &how)
	require.NoError(t, r.Validate())
	own := r.Arg.(*unix.OpenHow)
	assert.EqualValues(t, closeOnExec|largeFile, own.Flags)
	assert.EqualValues(t, unix.RESOLVE_IN_ROOT, own.Resolve)
	assert.Zero(t, how.Flags, "the caller's OpenHow was changed")
	assert.EqualValues(t, largeFile, r.Inheritable().Arg.(*unix.OpenHow).Flags)
	assert.EqualValues(t, closeOnExec|largeFile, own.Flags, "Inheritable changed its receiver")

	for _, r := range []Request{
		Open2("a", nil), Open2("", &how), OpenAt2(3, "a\x00", &how),
		{Code: CodeOpen2, Buf: []byte("a\x00"), Arg: (*unix.OpenHow)(nil)},
		Request{Code: CodeOpen2, Buf: []byte("a\x00")}.Inheritable(),
		{Code: CodeOpen2, Arg: &how},
	} {
		assert.ErrorIs(t, r.Validate(), syscall.EINVAL)
	}
}

func TestStatx(t *testing.T) {
	st := new(unix.Statx_t)
	r := StatxFD(3, 0, unix.STATX_SIZE, st)
	require.NoError(t, r.Validate())
	assert.Equal(t, Request{
		Code: CodeStatx, FD: 3, Buf: []byte{0}, Flags: unix.AT_EMPTY_PATH, Len: unix.STATX_SIZE, Arg: st,
	}, r)
	for _, r := range []Request{
		Statx(3, "", 0, 0, st), Statx(3, "a", 0, 0, nil), Statx(3, "a\x00", 0, 0, st),
		{Code: CodeStatx, Buf: []byte("a\x00"), Arg: (*unix.Statx_t)(nil)},
		{Code: CodeStatx, Buf: []byte{0}, Arg: st},
	} {
		assert.ErrorIs(t, r.Validate(), ErrInvalid)
	}
}
