package ops

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestEpollRequests(t *testing.T) {
	event := &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 9}
	r := EpollCtl(3, unix.EPOLL_CTL_ADD, 9, event)
	require.NoError(t, r.Validate())
	event.Fd = 1
	assert.EqualValues(t, 9, r.Arg.(*unix.EpollEvent).Fd, "the event is not a copy")
	r.Arg = nil
	assert.Equal(t, Request{Code: CodeEpollCtl, FD: 3, FD2: 9, Len: unix.EPOLL_CTL_ADD}, r)
	assert.NoError(t, with(EpollCtl(3, unix.EPOLL_CTL_DEL, 9, nil)).Validate())

	events := make([]unix.EpollEvent, 4)
	r = EpollWait(3, events)
	require.NoError(t, r.Validate())
	assert.Same(t, &events[0], &r.Arg.(*EpollEvents).List[0])
	assert.Equal(t, "fd 3", r.Describe())

	for _, r := range []Request{
		EpollWait(3, nil), EpollCtl(3, unix.EPOLL_CTL_MOD, 9, nil),
		{Code: CodeEpollWait}, {Code: CodeEpollWait, Arg: new(EpollEvents)}, {Code: CodeEpollWait, Arg: (*EpollEvents)(nil)},
		{Code: CodeEpollCtl, Len: unix.EPOLL_CTL_ADD, Arg: 7}, {Code: CodeEpollCtl, Arg: (*unix.EpollEvent)(nil)},
	} {
		assert.ErrorIs(t, r.Validate(), ErrInvalid)
	}
}

// with returns a request whose address can be taken.
func with(r Request) *Request { return &r }
