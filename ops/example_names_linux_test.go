package ops_test

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

func show(reqs ...ops.Request) {
	for _, r := range reqs {
		if err := r.Validate(); err != nil {
			fmt.Println(err)
		} else if what := r.Describe(); what != "" {
			fmt.Println(r.Code, what)
		} else {
			fmt.Println(r.Code)
		}
	}
}

// Names of files, by path or below a directory that is open as descriptor 5.
func Example_names() {
	show(
		ops.Mkdir("spool", 0o755), ops.MkdirAt(5, "new", 0o755),
		ops.Rename("spool/tmp.1", "spool/mail.1"), ops.RenameAt(5, "a", 5, "b", unix.RENAME_EXCHANGE),
		ops.Hardlink("mail.1", "copy"), ops.HardlinkAt(5, "mail.1", 5, "copy", unix.AT_SYMLINK_FOLLOW),
		ops.HardlinkFD(7, 5, "no-longer-temporary"),
		ops.Symlink("releases/3", "current"), ops.SymlinkAt("releases/3", 5, "current"),
		ops.Unlink("spool/mail.1"), ops.UnlinkAt(5, "new", unix.AT_REMOVEDIR), ops.Rmdir("spool"),
	)
	// Output:
	// mkdirat spool
	// mkdirat new
	// renameat2 spool/tmp.1 -> spool/mail.1
	// renameat2 a -> b
	// linkat mail.1 -> copy
	// linkat mail.1 -> copy
	// linkat /proc/self/fd/7 -> no-longer-temporary
	// symlinkat releases/3 -> current
	// symlinkat releases/3 -> current
	// unlinkat spool/mail.1
	// unlinkat new
	// unlinkat spool
}

// A file is replaced as a whole, or not at all: each step waits for the success
// of the one before it.
func ExampleChain_replace() {
	st := new(unix.Statx_t)
	show(ops.Chain(
		ops.Ftruncate(7, 0), ops.Fallocate(7, 0, 0, 8), ops.Writev(7, [][]byte{[]byte("four"), []byte("four")}, 0),
		ops.Fsync(7), ops.Rename("state.tmp", "state"), ops.StatxFD(7, 0, unix.STATX_SIZE, st),
		ops.Statx(unix.AT_FDCWD, "state", 0, unix.STATX_SIZE, st),
	)...)
	// Output:
	// ftruncate fd 7
	// fallocate fd 7
	// writev fd 7
	// fsync fd 7
	// renameat2 state.tmp -> state
	// statx fd 7
	// statx state
}

// Extended attributes, of a path and of an open file.
func ExampleGetxattr() {
	value := make([]byte, 256)
	show(
		ops.Setxattr("photo", "user.mime", []byte("image/png"), unix.XATTR_CREATE),
		ops.Getxattr("photo", "user.mime", value),
		ops.Fsetxattr(3, "user.mime", []byte("image/png"), 0), ops.Fgetxattr(3, "user.mime", nil),
	)
	// Output:
	// setxattr user.mime of photo
	// getxattr user.mime of photo
	// fsetxattr fd 3
	// fgetxattr fd 3
}

// What will be read soon, and what not again.
func ExampleFadvise() {
	memory, _ := unix.Mmap(-1, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON)
	defer unix.Munmap(memory)
	show(
		ops.Fadvise(3, 0, 0, unix.FADV_SEQUENTIAL), ops.Madvise(memory, unix.MADV_WILLNEED),
		ops.SyncFileRange(3, 0, 1<<20, unix.SYNC_FILE_RANGE_WRITE),
	)
	// Output:
	// fadvise fd 3
	// madvise
	// sync_file_range fd 3
}

// A server's socket, from nothing to accepting.
func ExampleBind() {
	addr := ops.Inet(netip.MustParseAddrPort("127.0.0.1:8080"))
	peer := new(ops.Sockaddr)
	show(
		ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0),
		ops.SetsockoptInt(4, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		ops.Bind(4, addr), ops.Listen(4, 128), ops.Accept(4, 0), ops.AcceptAddr(4, 0, peer),
		ops.SocketName(4, peer), ops.PeerName(5, peer), ops.Shutdown(5, unix.SHUT_WR),
	)
	// Output:
	// socket
	// setsockopt fd 4
	// bind 127.0.0.1:8080
	// listen fd 4
	// accept fd 4
	// accept fd 4
	// getsockname fd 4
	// getsockname fd 5
	// shutdown fd 5
}

// Options of a socket, and what waits in it.
func ExampleGetsockopt() {
	value := make([]byte, 4)
	show(
		ops.Getsockopt(4, unix.SOL_SOCKET, unix.SO_RCVBUF, value),
		ops.Setsockopt(4, unix.SOL_SOCKET, unix.SO_LINGER, make([]byte, 8)),
		ops.SocketInq(4), ops.SocketOutq(4),
	)
	// Output:
	// getsockopt fd 4
	// setsockopt fd 4
	// SIOCINQ fd 4
	// SIOCOUTQ fd 4
}

// Transfers over sockets.
func ExampleSendTo() {
	buf := make([]byte, 100)
	show(
		ops.Send(4, []byte("to the peer"), unix.MSG_MORE), ops.Recv(4, buf, unix.MSG_PEEK),
		ops.SendTo(5, []byte("datagram"), 0, ops.UNIX("@log")),
		ops.Sendmsg(5, ops.NewMsg([]byte("in "), []byte("parts")), 0), ops.Recvmsg(5, ops.NewMsg(buf), 0),
	)
	// Output:
	// send fd 4
	// recv fd 4
	// send fd 5
	// sendmsg fd 5
	// recvmsg fd 5
}

// A pipe, and what goes through it without being copied.
func ExamplePipe() {
	show(ops.Pipe(new(ops.PipeEnds), 0), ops.Splice(3, 0, 7, ops.Current, 1<<16, 0), ops.Tee(6, 9, 1<<16, 0))
	// Output:
	// pipe2
	// splice fd 7
	// tee fd 9
}

// An old event loop's epoll instance becomes one of the Ring's requests.
func ExampleEpollWait() {
	events := make([]unix.EpollEvent, 64)
	show(
		ops.EpollCtl(8, unix.EPOLL_CTL_ADD, 3, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 3}),
		ops.EpollWait(8, events),
	)
	// Output:
	// epoll_ctl fd 8
	// epoll_wait fd 8
}

// A direct descriptor leaves the Ring.
func ExampleInstall() {
	show(ops.Install(ops.DirectAt(2)))
	// Output: install descriptor direct 2
}

// Opening with the walk confined, and below a directory.
func ExampleOpen2() {
	how := &unix.OpenHow{Flags: unix.O_RDONLY, Resolve: unix.RESOLVE_BENEATH}
	show(ops.Open2("public/index.html", how), ops.OpenAt2(5, "index.html", how), ops.OpenAt(5, "log", unix.O_WRONLY, 0),
		ops.Readv(6, [][]byte{make([]byte, 16), make([]byte, 4096)}, 0))
	// Output:
	// openat2 public/index.html
	// openat2 index.html
	// openat log
	// readv fd 6
}
