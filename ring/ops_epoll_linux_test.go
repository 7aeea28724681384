package ring_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// epoll returns a new epoll instance.
func epoll(t testing.TB) int {
	t.Helper()
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	require.NoError(t, err)
	return own(t, fd)
}

// covers: epoll_ctl epoll_wait
func TestOpEpoll(t *testing.T) {
	needs(t, "6.15")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ep := epoll(t)
		rd, wr := pipe(t)
		do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: 4711}))
		events := make([]unix.EpollEvent, 3)
		wait := ops.EpollWait(ep, events)
		id := start(t, r, wait)
		write(t, wr, "x")
		assert.Equal(t, 1, finish(t, r, id).N())
		assert.EqualValues(t, 4711, events[0].Fd)
		assert.EqualValues(t, unix.EPOLLIN, events[0].Events)
		cancels(t, r, wait, onFD(ep)) // edge-triggered: no event without a write

		do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_MOD, rd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 815}))
		assert.Equal(t, 1, do(t, r, wait).N())
		assert.EqualValues(t, 815, events[0].Fd)
		do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_DEL, rd, nil))
		_, err := try(t, r, wait.WithTimeout(moment))
		explains(t, err, ops.CodeEpollWait, onFD(ep), ops.ErrTimeout)
	})
}

// More events than room come in turns.
func TestOpEpollManyEvents(t *testing.T) {
	needs(t, "6.15")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ep := epoll(t)
		for i := range 5 {
			rd, wr := pipe(t)
			do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(i)}))
			write(t, wr, "x")
		}
		seen := map[int32]bool{}
		events := make([]unix.EpollEvent, 2)
		for _, want := range []int{2, 2, 1} {
			n := do(t, r, ops.EpollWait(ep, events)).N()
			assert.Equal(t, want, n)
			for _, e := range events[:n] {
				seen[e.Fd] = true
			}
		}
		assert.Len(t, seen, 5)
	})
}

func TestOpEpollFailures(t *testing.T) {
	needs(t, "6.15")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ep := epoll(t)
		rd, _ := pipe(t)
		file, _ := tempFile(t, "")
		in := &unix.EpollEvent{Events: unix.EPOLLIN}
		fails(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_MOD, rd, in), syscall.ENOENT, onFD(ep))
		fails(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, file, in), syscall.EPERM, onFD(ep))
		fails(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, noFD, in), syscall.EBADF, onFD(ep))
		fails(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, ep, in), syscall.EINVAL, onFD(ep))
		fails(t, r, ops.EpollCtl(ep, 99, rd, in), syscall.EINVAL, onFD(ep))
		do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, in))
		fails(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, in), syscall.EEXIST, onFD(ep))
		fails(t, r, ops.EpollWait(file, make([]unix.EpollEvent, 1)), syscall.EINVAL, onFD(file))
		fails(t, r, ops.EpollWait(noFD, make([]unix.EpollEvent, 1)), syscall.EBADF, onFD(noFD))
	})
}

// An epoll instance with O_NONBLOCK is waited for all the same. (trap 10)
func TestOpEpollNonblocking(t *testing.T) {
	needs(t, "6.15")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		ep := epoll(t)
		require.NoError(t, unix.SetNonblock(ep, true))
		rd, wr := pipe(t)
		do(t, r, ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, &unix.EpollEvent{Events: unix.EPOLLIN}))
		id := start(t, r, ops.EpollWait(ep, make([]unix.EpollEvent, 1)))
		write(t, wr, "x")
		finish(t, r, id)
		do(t, r, ops.Read(rd, make([]byte, 1), ops.Current))
		ends := time.Now().Add(moment)
		_, err := try(t, r, ops.EpollWait(ep, make([]unix.EpollEvent, 1)).WithDeadline(ends))
		assert.ErrorIs(t, err, ops.ErrTimeout)
	})
}
