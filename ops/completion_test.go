package ops

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCompletionOfSuccess(t *testing.T) {
	read := Completion{Code: CodeRead, Res: 3, Buf: []byte("abcdef")}
	assert.True(t, read.OK())
	assert.NoError(t, read.Err())
	assert.Equal(t, 3, read.N())
	assert.Equal(t, "abc", string(read.Bytes()))
	assert.Equal(t, -1, read.FD())
	assert.Zero(t, read.Errno())
	for _, c := range []Code{CodeOpen, CodeOpen2, CodeAccept, CodeSocket} {
		opened := Completion{Code: c, Res: 0}
		assert.Zero(t, opened.FD(), "0 is a descriptor like any other")
	}
	open := Completion{Code: CodeOpen, Res: 2, Buf: []byte("/a\x00")}
	assert.Empty(t, open.Bytes(), "a path is no data")
}

func TestCompletionErrors(t *testing.T) {
	open := Completion{Code: CodeOpen, Res: -int32(syscall.ENOENT), Buf: []byte("/a\x00")}
	assert.False(t, open.OK())
	assert.EqualError(t, open.Err(), "openat /a: no such file or directory")
	assert.ErrorIs(t, open.Err(), os.ErrNotExist)
	assert.ErrorIs(t, open.Err(), syscall.ENOENT)
	assert.Equal(t, -1, open.FD())
	assert.Zero(t, open.N())

	connect := Completion{Code: CodeConnect, Target: 3, Res: -int32(syscall.ECONNREFUSED), Arg: UNIX("@x")}
	assert.EqualError(t, connect.Err(), "connect @x: connection refused")
	timer := Completion{Code: CodeTimer, Res: -int32(syscall.EIO)}
	assert.EqualError(t, timer.Err(), "timer: input/output error")
}

func TestCompletionCauses(t *testing.T) {
	for cause, want := range map[Cause][]error{
		NoCause:   {ErrCanceled, context.Canceled, syscall.ECANCELED},
		ByCancel:  {ErrCanceled, context.Canceled, syscall.ECANCELED},
		ByTimeout: {ErrTimeout, os.ErrDeadlineExceeded, context.DeadlineExceeded},
		ByClose:   {ErrClosed, os.ErrClosed},
	} {
		c := Completion{Code: CodeRead, Target: 3, Res: -int32(syscall.ECANCELED), Cause: cause}
		for _, e := range want {
			assert.ErrorIs(t, c.Err(), e)
		}
		var timeout interface{ Timeout() bool }
		assert.True(t, errors.As(c.Err(), &timeout))
		assert.Equal(t, cause == ByTimeout, timeout.Timeout())
	}
	assert.ErrorIs(t, ErrNotSupported, errors.ErrUnsupported)
	assert.NotErrorIs(t, ErrClosed, net.ErrClosed)
}

func TestNames(t *testing.T) {
	for c := CodeInvalid; c < codeEnd; c++ {
		assert.NotEmpty(t, c.String())
	}
	assert.Equal(t, "code(200)", Code(200).String())
	assert.Equal(t, "#5.2", ID(2<<24|5).String())
	for p, name := range map[Priority]string{
		Lowest: "lowest", Low: "low", Normal: "normal", High: "high", Highest: "highest", 9: "priority(9)",
	} {
		assert.Equal(t, name, p.String())
		assert.Equal(t, p != 9, p.Valid())
	}
	assert.Zero(t, Lowest.Level())
	assert.Equal(t, Levels-1, Highest.Level())
}
