//go:build linux

package main

import (
	"context"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenTCP returns a listening socket and its address. Package net knows best
// how to make one (both IP versions, SO_REUSEADDR, the longest backlog); a
// duplicate of its descriptor is then the ring's alone. What accepted sockets
// inherit from it spares a system call for each.
func listenTCP(addr string) (fd int, at net.Addr, err error) {
	config := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_OOBINLINE, 1); err != nil {
				return err
			}
			return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		})
	}}
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return -1, nil, err
	}
	defer l.Close()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		return -1, nil, err
	}
	err = control(raw, func(borrowed int) (err error) {
		fd, err = unix.FcntlInt(uintptr(borrowed), unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("dup", err)
	})
	return fd, l.Addr(), err
}

func control(raw syscall.RawConn, f func(fd int) error) error {
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
