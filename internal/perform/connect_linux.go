package perform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// This file makes sockets and connections: socket(2), bind(2), listen(2),
// accept4(2), connect(2) and shutdown(2), and commands to sockets.

// kept returns flags for a new descriptor. One that goes to the engine's table
// is nobody else's, and not for children.
func (c *Call) kept(flags uint32) uintptr {
	if c.SQE.FileIndex != 0 {
		flags |= unix.O_CLOEXEC // SOCK_CLOEXEC is the same
	}
	return uintptr(flags)
}

func (c *Call) newSocket() int32 {
	return result(syscall.Syscall(unix.SYS_SOCKET, uintptr(c.SQE.FD), c.kept(uint32(c.SQE.Off)), uintptr(c.SQE.Len)))
}

// tryBind leaves names in the file system to a worker.
func (c *Call) tryBind() (int32, Next) {
	if c.SQE.Addr != 0 && c.SQE.Off > 2 {
		a := (*[3]byte)(pointer(&c.SQE.Addr))
		if *(*uint16)(unsafe.Pointer(a)) == unix.AF_UNIX && a[2] != 0 {
			return 0, Worker
		}
	}
	return c.bind(), Done
}

func (c *Call) bind() int32 {
	return result(syscall.Syscall(unix.SYS_BIND, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.Off)))
}

func (c *Call) listen() int32 {
	return result(syscall.Syscall(unix.SYS_LISTEN, uintptr(c.FD), uintptr(c.SQE.Len), 0))
}

func (c *Call) shutdown() int32 {
	return result(syscall.Syscall(unix.SYS_SHUTDOWN, uintptr(c.FD), uintptr(c.SQE.Len), 0))
}

// tryAccept takes a connection that is there. Only O_NONBLOCK keeps the system
// call from waiting: without it, another process may take the connection between
// the question and the call.
func (c *Call) tryAccept() (int32, Next) {
	if c.SQE.Ioprio&uring.AcceptPollFirst != 0 && !c.begun {
		c.begun = true
		return 0, WaitIn
	}
	asked := c.SQE.Ioprio&uring.AcceptDontWait != 0
	if !c.isNonblocking() {
		switch {
		case c.Hint&Blocking == 0:
			return failed(unix.EBADF), Done // there is no such file
		case ready(c.FD, WaitIn), !c.listening():
			return 0, Worker
		case asked:
			return eagain, Done
		}
		return 0, WaitIn
	}
	switch res := c.accept(); {
	case res == eagain && !asked:
		return 0, WaitIn
	case res == eintr:
		return 0, Worker
	default:
		return res, Done
	}
}

// listening reports whether there is something to wait for: what is no listening
// socket has its error at once.
func (c *Call) listening() bool {
	yes, err := unix.GetsockoptInt(int(c.FD), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && yes != 0
}

func (c *Call) doAccept() int32 {
	for {
		res := c.accept()
		if res == eagain && c.SQE.Ioprio&uring.AcceptDontWait == 0 { // it has O_NONBLOCK
			if res = poll(c.FD, WaitIn, -1); res == 1 {
				continue
			}
		}
		return res
	}
}

func (c *Call) accept() int32 {
	return result(syscall.Syscall6(unix.SYS_ACCEPT4, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.Off),
		c.kept(c.SQE.OpFlags), 0, 0))
}

// tryConnect begins a connection. A socket without O_NONBLOCK has it for that
// moment: until it is connected it is nobody else's.
func (c *Call) tryConnect() (int32, Next) {
	if c.begun {
		if !ready(c.FD, WaitOut) {
			return 0, WaitOut
		}
		if res := c.connected(); res != ealready {
			return res, Done
		}
		return 0, WaitOut
	}
	blocking := !c.isNonblocking()
	if blocking {
		setNonblock(c.FD, true)
		defer setNonblock(c.FD, false)
	}
	switch res := c.connect(); {
	case res == einprogress:
		c.begun = true
		return 0, WaitOut
	case res == eagain && blocking, res == eintr:
		// EAGAIN: the backlog of a local peer is full, which poll(2) does not tell.
		return 0, Worker
	default:
		return res, Done
	}
}

// doConnect connects and waits for it. When a signal has ended it, the same call goes
// on. A local socket with O_NONBLOCK has nothing to wait for: EAGAIN, as on a ring.
func (c *Call) doConnect() int32 {
	if !c.begun {
		res := c.connect()
		if res != einprogress {
			return res
		}
		c.begun = true
	}
	for {
		if res := poll(c.FD, WaitOut, -1); res != 1 {
			return res
		}
		if res := c.connected(); res != ealready {
			return res
		}
	}
}

func (c *Call) connect() int32 {
	return result(syscall.Syscall(unix.SYS_CONNECT, uintptr(c.FD), uintptr(c.SQE.Addr), uintptr(c.SQE.Off)))
}

// connected returns what became of a connection, once the socket is ready: to
// connect again tells, and unlike SO_ERROR has the socket know that it is connected.
func (c *Call) connected() int32 {
	res := c.connect()
	if res == -int32(unix.EISCONN) {
		return 0
	}
	return res
}

// command carries out a command to a socket, as ring's opcode URING_CMD has them.
func (c *Call) command() int32 {
	var res int32
	q := &c.SQE
	level, name := inMemory(q.Addr)
	switch op, _ := inMemory(q.Off); op {
	case uring.SocketOpSiocinq:
		res = c.ioctl(unix.TIOCINQ)
	case uring.SocketOpSiocoutq:
		res = c.ioctl(unix.TIOCOUTQ)
	case uring.SocketOpGetsockopt:
		if level != unix.SOL_SOCKET {
			return eopnotsupp
		}
		size := q.FileIndex
		res = result(syscall.Syscall6(unix.SYS_GETSOCKOPT, uintptr(c.FD), uintptr(level), uintptr(name),
			uintptr(q.Addr3), uintptr(unsafe.Pointer(&size)), 0))
		if res == 0 {
			res = int32(size)
		}
	case uring.SocketOpSetsockopt:
		res = result(syscall.Syscall6(unix.SYS_SETSOCKOPT, uintptr(c.FD), uintptr(level), uintptr(name),
			uintptr(q.Addr3), uintptr(q.FileIndex), 0))
	case uring.SocketOpGetsockname:
		call := uintptr(unix.SYS_GETSOCKNAME)
		if q.FileIndex != 0 {
			call = unix.SYS_GETPEERNAME
		}
		res = result(syscall.Syscall(call, uintptr(c.FD), uintptr(q.Addr), uintptr(q.Addr3)))
	default:
		return eopnotsupp
	}
	if res == -int32(unix.ENOTSOCK) {
		return eopnotsupp // other files have no commands
	}
	return res
}

// ioctl asks the socket for a number. The call also exists for other files.
func (c *Call) ioctl(request uint) int32 {
	if _, err := unix.GetsockoptInt(int(c.FD), unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return outcome(err)
	}
	n, err := unix.IoctlGetInt(int(c.FD), request)
	if err != nil {
		return outcome(err)
	}
	return int32(n)
}

// inMemory returns the first and the last four bytes of a word in memory.
func inMemory(word uint64) (first, last uint32) {
	first, last = uint32(word), uint32(word>>32)
	if cpu.IsBigEndian {
		return last, first
	}
	return first, last
}
