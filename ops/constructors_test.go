package ops

import (
	"errors"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConstructors(t *testing.T) {
	buf := []byte("data")
	addr := UNIX("/s")
	for name, c := range map[string]struct{ got, want Request }{
		"nop":        {Nop(), Request{Code: CodeNop, FD: -1}},
		"read":       {Read(3, buf, 5), Request{Code: CodeRead, FD: 3, Buf: buf, Offset: 5}},
		"write":      {Write(3, buf, Current), Request{Code: CodeWrite, FD: 3, Buf: buf, Offset: -1}},
		"write sync": {Write(3, buf, 0).WithRWFlags(2).WithRWFlags(4), Request{Code: CodeWrite, FD: 3, Buf: buf, Flags: 6}},
		"close":      {Close(3), Request{Code: CodeClose, FD: 3}},
		"no fd":      {Close(-7), Request{Code: CodeClose, FD: -7}},
		"big fd":     {Read(math.MaxInt, nil, 0), Request{Code: CodeRead, FD: fd32(math.MaxInt)}},
		"fsync":      {Fsync(3), Request{Code: CodeFsync, FD: 3}},
		"fdatasync":  {Fdatasync(3), Request{Code: CodeFsync, FD: 3, Flags: 1}},
		"fallocate":  {Fallocate(3, 1, 2, 4), Request{Code: CodeFallocate, FD: 3, Len: 1, Offset: 2, Offset2: 4}},
		"ftruncate":  {Ftruncate(3, 9), Request{Code: CodeFtruncate, FD: 3, Offset: 9}},
		"socket":     {Socket(1, 2, 3), Request{Code: CodeSocket, FD: 1, Flags: 2 | closeOnExec, Len: 3}},
		"accept":     {Accept(3, 0), Request{Code: CodeAccept, FD: 3, Flags: closeOnExec}},
		"inherit":    {Accept(3, 0).Inheritable(), Request{Code: CodeAccept, FD: 3}},
		"acceptaddr": {AcceptAddr(3, 0, addr), Request{Code: CodeAccept, FD: 3, Flags: closeOnExec, Arg: addr}},
		"multi":      {AcceptMulti(3, 0), Request{Code: CodeAccept, FD: 3, Flags: closeOnExec, Mode: Multishot}},
		"multi addr": {AcceptMultiAddr(3, 0), Request{Code: CodeAccept, FD: 3, Flags: closeOnExec, Mode: Multishot, Arg: eachPeer{}}},
		"connect":    {Connect(3, addr), Request{Code: CodeConnect, FD: 3, Arg: addr}},
		"shutdown":   {Shutdown(3, 2), Request{Code: CodeShutdown, FD: 3, Len: 2}},
		"send":       {Send(3, buf, 1), Request{Code: CodeSend, FD: 3, Buf: buf, Flags: 1}},
		"recv":       {Recv(3, buf, 1).WithPollFirst(), Request{Code: CodeRecv, FD: 3, Buf: buf, Flags: 1, Mode: PollFirst}},
		"splice": {Splice(3, 1, 4, 2, 8, 5), Request{
			Code: CodeSplice, FD: 4, Offset: 2, FD2: 3, Offset2: 1, Len: 8, Flags: 5}},
		"tee":      {Tee(3, 4, 8, 5), Request{Code: CodeTee, FD: 4, FD2: 3, Len: 8, Flags: 5}},
		"tee much": {Tee(3, 4, math.MaxInt32, 0), Request{Code: CodeTee, FD: 4, FD2: 3, Len: MaxTransfer}},
		"timer":    {Timer(time.Second), Request{Code: CodeTimer, FD: -1, Offset: 1e9}},
	} {
		assert.Equal(t, c.want, c.got, name)
		assert.NoError(t, c.got.Validate(), name)
	}
}

func TestOpenAddsCloseOnExec(t *testing.T) {
	r := Open("a/b", syscall.O_RDWR, 0o600)
	require.NoError(t, r.Validate())
	assert.Equal(t, "a/b\x00", string(r.Buf))
	assert.EqualValues(t, atFDCWD, r.FD)
	assert.EqualValues(t, 0o600, r.Len)
	assert.NotZero(t, r.Flags&closeOnExec)
	assert.Zero(t, r.Inheritable().Flags&closeOnExec)
	assert.NotZero(t, r.Flags&closeOnExec, "Inheritable changed its receiver")
	assert.EqualValues(t, 5, OpenAt(5, "x", 0, 0).FD)
}

func TestVectors(t *testing.T) {
	bufs := [][]byte{[]byte("a"), nil, {}, []byte("bcd")}
	for _, r := range []Request{Readv(3, bufs, 7), Writev(3, bufs, 7)} {
		require.NoError(t, r.Validate())
		assert.EqualValues(t, 7, r.Offset)
		v := r.Arg.(*Vectors)
		assert.Equal(t, bufs, v.Buffers())
		old := bufs[0]
		bufs[0] = nil
		assert.Equal(t, "a", string(v.Buffers()[0]), "the list is not a copy")
		bufs[0] = old
	}
	full := Readv(3, make([][]byte, 1024), 0)
	assert.NoError(t, full.Validate())
}

func TestTimers(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	assert.EqualValues(t, At(soon), TimerAt(soon).Offset2)
	assert.Zero(t, TimerAt(time.Time{}).Offset2)
	past := TimerAt(time.Now().Add(-time.Hour))
	assert.EqualValues(t, 1, past.Offset2)
	for _, r := range []Request{past, TimerAt(time.Time{}), Timer(0), Timer(-1), Timer(math.MinInt64), Timer(math.MaxInt64)} {
		assert.NoError(t, r.Validate()) // trap 39
	}
	for d, want := range map[time.Duration]Timespec{
		0: {}, -5: {}, math.MinInt64: {}, 1: {0, 1}, 999999999: {0, 999999999}, 1e9: {1, 0},
		2500 * time.Millisecond: {2, 5e8}, math.MaxInt64: {9223372036, 854775807},
	} {
		assert.Equal(t, want, TimespecOf(d))
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", 4096)
	many := make([][]byte, 1025)
	for name, c := range map[string]struct {
		req  Request
		text string
	}{
		"zero":              {Request{}, "use a constructor"},
		"empty path":        {Open("", 0, 0), "openat: invalid request: the path is empty"},
		"NUL":               {Open("a\x00b", 0, 0), "NUL"},
		"long path":         {OpenAt(3, long, 0, 0), "longer than 4095"},
		"many readv":        {Readv(3, many, 0), "1025 buffers"},
		"many writev":       {Writev(3, many, 0), "1025 buffers"},
		"readv offset":      {Readv(3, nil, -2), "offset -2"},
		"read offset":       {Read(3, nil, -2), "read fd 3: invalid request: offset -2"},
		"write offset":      {Write(3, nil, math.MinInt64), "offset -9223372036854775808"},
		"fallocate offset":  {Fallocate(3, 0, -1, 1), "offset -1"},
		"fallocate length":  {Fallocate(3, 0, 0, 0), "length 0"},
		"ftruncate":         {Ftruncate(3, -1), "size -1 is negative"},
		"splice length":     {Splice(3, 0, 4, 0, -1, 0), "length -1"},
		"splice offset":     {Splice(3, -2, 4, 0, 1, 0), "offsets -2 and 0"},
		"tee length":        {Tee(3, 4, -1, 0), "length -1"},
		"no peer":           {AcceptAddr(3, 0, nil), "no Sockaddr"},
		"no address":        {Connect(3, nil), "no address"},
		"empty address":     {Connect(3, new(Sockaddr)), "address of 0 bytes"},
		"bad address":       {Connect(3, UNIX("")), "the path is empty"},
		"no message":        {Sendmsg(3, nil, 0), "no message"},
		"no message to":     {Recvmsg(3, nil, 0), "no message"},
		"many in a message": {Recvmsg(3, NewMsg(many...), 0), "1025 buffers"},
		"message address":   {Sendmsg(3, &Msg{Addr: new(Sockaddr)}, 0), "address of 0 bytes"},
		"RWF on a send":     {Send(3, nil, 0).WithRWFlags(1), "RWF flags"},
		"RWF on a refusal":  {Open("", 0, 0).WithRWFlags(1), "the path is empty"},
		"inherit a read":    {Read(3, nil, 0).Inheritable(), "makes no descriptor"},
		"inherit a refusal": {Open("", 0, 0).Inheritable(), "the path is empty"},
		"poll-first read":   {Read(3, nil, 0).WithPollFirst(), "mode 0x4"},
		"priority":          {Nop().WithPriority(3), "priority(3): want lowest to highest"},
		"timeout":           {Nop().WithTimeout(-1), "timeout -1ns is negative"},
	} {
		err := c.req.Validate()
		require.Error(t, err, name)
		assert.ErrorIs(t, err, ErrInvalid, name)
		assert.ErrorIs(t, err, syscall.EINVAL, name)
		assert.ErrorContains(t, err, c.text, name)
		if c.req.Code == CodeInvalid && c.req.Arg != nil {
			var e *Error
			assert.True(t, errors.As(err, &e) && e.Code.Valid(), "%s: %v does not name the operation", name, err)
		}
	}
	longest := Open(long[1:], 0, 0)
	assert.NoError(t, longest.Validate())
}
