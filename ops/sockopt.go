package ops

import "encoding/binary"

// Setsockopt returns a request to set an option of the socket fd, like
// setsockopt(2): level is unix.SOL_SOCKET, unix.IPPROTO_TCP and the like, name
// the option. value is in the option's own form and byte order; the kernel owns
// it until the terminal completion.
//
// Native from kernel 6.7 (io_uring_prep_cmd_sock(3)). Before it, EOPNOTSUPP.
func Setsockopt(fd, level, name int, value []byte) Request {
	return Request{Code: CodeSetsockopt, FD: fd32(fd), Len: uint32(level), Flags: uint32(name), Buf: value}
}

// SetsockoptInt is Setsockopt for the many options whose value is a C int.
//
// Native from kernel 6.7 (io_uring_prep_cmd_sock(3)). Before it, EOPNOTSUPP.
func SetsockoptInt(fd, level, name, value int) Request {
	return Setsockopt(fd, level, name, binary.NativeEndian.AppendUint32(nil, uint32(value)))
}

// Getsockopt returns a request to read an option of the socket fd into value,
// like getsockopt(2). N is the length of the option in bytes, and Bytes the
// option in its own form and byte order, cut to len(value). The kernel owns value
// until the terminal completion. It has only options of level unix.SOL_SOCKET
// this way, and says EOPNOTSUPP for others.
//
// Native from kernel 6.7 (io_uring_prep_cmd_sock(3)). Before it, EOPNOTSUPP.
func Getsockopt(fd, level, name int, value []byte) Request {
	return Request{Code: CodeGetsockopt, FD: fd32(fd), Len: uint32(level), Flags: uint32(name), Buf: value}
}

// SocketInq returns a request to ask how many bytes the socket fd has received
// and nobody has read, like ioctl(2) with SIOCINQ. N is their number; for
// datagrams it is the size of the next one. A listening socket ends it in EINVAL.
//
// Native from kernel 6.7 (io_uring_prep_cmd_sock(3)). Before it, EOPNOTSUPP.
func SocketInq(fd int) Request { return Request{Code: CodeSocketInq, FD: fd32(fd)} }

// SocketOutq returns a request to ask how many bytes the socket fd was given and
// has not got rid of, like ioctl(2) with SIOCOUTQ; on TCP those that the peer has
// not acknowledged. N is their number, for some families with the kernel's
// overhead. A listening socket ends it in EINVAL.
//
// Native from kernel 6.7 (io_uring_prep_cmd_sock(3)). Before it, EOPNOTSUPP.
func SocketOutq(fd int) Request { return Request{Code: CodeSocketOutq, FD: fd32(fd)} }

// SocketName returns a request to fill addr with the address that the socket fd
// is bound to, like getsockname(2). addr belongs to the kernel until the terminal
// completion, and comes back as the completion's Arg. A nil addr is refused with
// ErrInvalid. EOPNOTSUPP tells that fd is a direct descriptor and the kernel older.
//
// Native from kernel 6.19 (io_uring_prep_cmd_getsockname(3)). Before it Submit asks
// with the ordinary system call, which does not block.
func SocketName(fd int, addr *Sockaddr) Request { return socketName(fd, addr, 0) }

// PeerName returns a request to fill addr with the address of the socket that fd
// is connected to, like getpeername(2); ENOTCONN tells that it is not. The rest
// is as with SocketName.
//
// Native from kernel 6.19 (io_uring_prep_cmd_getsockname(3)); else as SocketName.
func PeerName(fd int, addr *Sockaddr) Request { return socketName(fd, addr, 1) }

func socketName(fd int, addr *Sockaddr, peer uint32) Request {
	if addr == nil {
		return refuse(CodeSocketName, "no Sockaddr to fill")
	}
	return Request{Code: CodeSocketName, FD: fd32(fd), Flags: peer, Arg: addr}
}

// validateSocketName checks that there is room for the address.
func (r *Request) validateSocketName() error {
	if a, ok := r.Arg.(*Sockaddr); !ok || a == nil {
		return r.wrong("argument %T: want a *Sockaddr that is not nil", r.Arg)
	}
	return nil
}
