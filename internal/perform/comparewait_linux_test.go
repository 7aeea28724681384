package perform_test

import (
	"os/exec"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

func TestCompareEpoll(t *testing.T) {
	compare(t, func(s *stage) {
		rd, wr := s.pipe()
		ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		require.NoError(s, err)
		defer func() { _ = unix.Close(ep) }()
		in := &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 77}
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, in))
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, rd, in))
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_MOD, wr, in))
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_ADD, s.file("f", ""), in))
		events := make([]unix.EpollEvent, 3)
		s.soon(func() { _, _ = unix.Write(wr, []byte("x")) })
		s.do(ops.EpollWait(ep, events))
		s.note(events)
		s.do(ops.EpollWait(rd, events))
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_DEL, rd, nil))
		s.do(ops.EpollCtl(ep, unix.EPOLL_CTL_DEL, rd, nil))
		s.do(ops.EpollCtl(closed, unix.EPOLL_CTL_DEL, rd, nil))
	})
}

func TestComparePipe(t *testing.T) {
	compare(t, func(s *stage) {
		for _, flags := range []int{0, unix.O_NONBLOCK, unix.O_DIRECT, 1 << 20} {
			ends := new(ops.PipeEnds)
			if s.do(ops.Pipe(ends, flags)) < 0 {
				continue
			}
			for _, fd := range ends.FDs {
				status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
				require.NoError(s, err)
				s.note(status)
				require.NoError(s, unix.Close(int(fd)))
			}
		}
	})
}

// child starts a script.
func child(s *stage, script string) (pid int) {
	c := exec.Command("/bin/sh", "-c", script)
	require.NoError(s, c.Start())
	s.Cleanup(func() { _ = c.Wait() })
	return c.Process.Pid
}

// waitid as the ring has it: not one of the requests, but of the entries.
func TestCompareChildren(t *testing.T) {
	for _, wait := range []string{"", "sleep 0.05;"} {
		compare(t, func(s *stage) {
			pid := child(s, wait+" exit 7")
			fd, err := unix.PidfdOpen(pid, 0)
			require.NoError(s, err)
			defer func() { _ = unix.Close(fd) }()
			for _, options := range []uint32{unix.WEXITED | unix.WNOWAIT, 0, unix.WEXITED | unix.WNOWAIT} {
				info := new([32]int32)
				e := uring.SQE{Opcode: uring.OpWaitid, FD: int32(fd), Len: unix.P_PIDFD, FileIndex: options,
					Off: uint64(uintptr(unsafe.Pointer(info)))}
				s.note(describe(s.entry(s, e)))
				runtime.KeepAlive(info)
				s.note(info[:3], info[6]) // number, code, status
			}
			info := new([32]int32)
			e := uring.SQE{Opcode: uring.OpWaitid, FD: int32(pid), Len: unix.P_PID, FileIndex: unix.WEXITED | unix.WNOWAIT,
				Off: uint64(uintptr(unsafe.Pointer(info)))}
			s.note(describe(s.entry(s, e)), info[6])
			runtime.KeepAlive(info)
		})
	}
}
