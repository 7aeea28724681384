package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Requests are plain data: what the constructors prevent can be written by hand.
func TestValidateHandmade(t *testing.T) {
	multi := AcceptMulti(3, 0)
	multi.Link = Soft
	multiAddr := AcceptAddr(3, 0, new(Sockaddr))
	multiAddr.Mode = Multishot
	poll := func(mode Mode, flags uint32, link Link) Request {
		return Request{Code: CodePoll, FD: 3, Mode: mode, Flags: flags, Link: link}
	}
	for name, r := range map[string]Request{
		"unknown code":      {Code: codeEnd},
		"last code":         {Code: 255},
		"link":              {Code: CodeNop, Link: Hard + 1},
		"index":             {Code: CodeRead, Index: 1},
		"multishot read":    {Code: CodeRead, Mode: Multishot},
		"unknown mode":      {Code: CodePoll, Mode: 1 << 7},
		"path without NUL":  {Code: CodeOpen, Buf: []byte("abc")},
		"no path":           {Code: CodeOpen},
		"empty path":        {Code: CodeOpen, Buf: []byte{0}},
		"NUL in path":       {Code: CodeOpen, Buf: []byte("a\x00b\x00")},
		"long path":         {Code: CodeOpen, Buf: append(longPath(), 0)},
		"readv without":     {Code: CodeReadv},
		"readv nil":         {Code: CodeReadv, Arg: (*Vectors)(nil)},
		"open2 without":     {Code: CodeOpen2, Buf: []byte("a\x00")},
		"statx without":     {Code: CodeStatx, Buf: []byte("a\x00")},
		"connect without":   {Code: CodeConnect},
		"sendmsg without":   {Code: CodeSendmsg},
		"recvmsg nil":       {Code: CodeRecvmsg, Arg: (*Msg)(nil)},
		"accept other":      {Code: CodeAccept, Arg: 7},
		"accept nil":        {Code: CodeAccept, Arg: (*Sockaddr)(nil)},
		"multishot linked":  multi,
		"multishot address": multiAddr,
		"level alone":       poll(Level, 1, Unlinked),
		"edge linked":       poll(Multishot, 1, Soft),
		"EPOLLET":           poll(0, 1|1<<31, Unlinked),
		"update nothing":    {Code: CodePollUpdate, Flags: 1},
	} {
		err := r.Validate()
		assert.Error(t, err, name)
		if r.Code == CodeOpen2 || r.Code == CodeStatx {
			continue // ErrNotSupported on other systems
		}
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
	for name, r := range map[string]Request{
		"poll":              poll(0, 1, Unlinked),
		"poll linked":       poll(0, 1, Soft),
		"poll nothing":      poll(0, 0, Unlinked),
		"edge":              poll(Multishot, 0xffff, Unlinked),
		"level":             poll(Multishot|Level, 1, Unlinked),
		"update":            {Code: CodePollUpdate, Offset: -1},
		"deadline long ago": {Code: CodeNop, Deadline: -5},
		"lowest":            Nop().WithPriority(Lowest),
		"highest":           Nop().WithPriority(Highest).WithTimeout(time.Second),
		"accept poll first": Accept(3, 0).WithPollFirst(),
		"vsock":             Connect(3, &Sockaddr{Len: 16, Data: [128]byte{40}}),
	} {
		assert.NoError(t, r.Validate(), name)
	}
}

func longPath() []byte {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func TestNoAllocations(t *testing.T) {
	buf := make([]byte, 16)
	var r Request
	for name, f := range map[string]func(){
		"nop":    func() { r = Nop() },
		"read":   func() { r = Read(3, buf, 0) },
		"write":  func() { r = Write(3, buf, Current).WithRWFlags(1).WithPriority(High) },
		"send":   func() { r = Send(3, buf, 0) },
		"recv":   func() { r = Recv(3, buf, 0).WithPollFirst().WithTimeout(time.Second) },
		"timer":  func() { r = Timer(time.Second) },
		"at":     func() { r = TimerAt(time.Now()) },
		"accept": func() { r = Accept(3, 0).Inheritable() },
	} {
		var err error
		assert.Zero(t, testing.AllocsPerRun(10, func() { f(); err = r.Validate() }), name)
		assert.NoError(t, err, name)
	}
	open := Open("a", 0, 0)
	assert.Zero(t, testing.AllocsPerRun(10, func() { _ = open.Validate() }))
}

func BenchmarkValidate(b *testing.B) {
	for _, r := range []Request{Nop(), Read(3, nil, 0), Recv(3, nil, 0), Accept(3, 0), Open("/etc/passwd", 0, 0)} {
		b.Run(r.Code.String(), func(b *testing.B) {
			for b.Loop() {
				if r.Validate() != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
