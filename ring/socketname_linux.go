package ring

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// namesSockets remembers whether the kernel's rings can tell the addresses of
// sockets: 1 for yes, -1 for no. The opcode is much older than the command, so only
// a try can tell.
var namesSockets atomic.Int32

// canNameSockets finds out, by asking for an address. The ring is new and empty.
// What the answer says of something else is not remembered (trap 43).
func (r *Ring) canNameSockets() bool {
	if r.u.Emulated() {
		return false
	}
	if known := namesSockets.Load(); known != 0 {
		return known > 0
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false // asking the ordinary way is as good
	}
	defer unix.Close(fd)
	req := ops.SocketName(fd, new(ops.Sockaddr))
	res, err := r.ask(func(q *uring.SQE) { uring.Encode(q, &req, udNop) })
	if err != nil {
		return false
	}
	switch syscall.Errno(-res) {
	case 0:
		namesSockets.Store(1)
	case syscall.EOPNOTSUPP, syscall.EINVAL: // the kernel lacks the command, or the opcode
		namesSockets.Store(-1)
	}
	return res == 0
}
