package ops

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// Sockaddr is a socket address in the kernel's own form, struct sockaddr of
// bind(2): the argument of Connect, AcceptAddr and messages. The zero Sockaddr
// is empty, and ready to be filled. While a request uses it, it belongs to the
// kernel.
//
// The functions below make addresses of the Internet and UNIX families. For
// others, say AF_VSOCK or AF_NETLINK, fill Data and Len by hand.
type Sockaddr struct {
	Len  uint32    // bytes of Data in use
	Data [128]byte // the family in native byte order, then what the family defines

	bad error // why a constructor could not make the address
}

// Offsets in sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)), and the room for a
// path in sockaddr_un (unix(7)).
const (
	sockaddrPort   = 2
	sockaddr4Addr  = 4
	sockaddr4Len   = 16
	sockaddr6Addr  = 8
	sockaddr6Scope = 24
	sockaddr6Len   = 28
	sockaddrPath   = 2
	sockaddrMax    = 108
)

// Inet returns ap as a Sockaddr: AF_INET for an IPv4 address, and AF_INET6 for
// an IPv6 one, IPv4-mapped ones included. A zone must be the number of the
// interface, as finding it by name takes a system call. A request that uses what
// Inet makes of an invalid ap is refused with ErrInvalid.
func Inet(ap netip.AddrPort) *Sockaddr {
	a := new(Sockaddr)
	binary.BigEndian.PutUint16(a.Data[sockaddrPort:], ap.Port())
	switch ip := ap.Addr(); {
	case ip.Is4():
		a.setFamily(syscall.AF_INET, sockaddr4Len)
		b := ip.As4()
		copy(a.Data[sockaddr4Addr:], b[:])
	case ip.Is6():
		a.setFamily(syscall.AF_INET6, sockaddr6Len)
		b := ip.As16()
		copy(a.Data[sockaddr6Addr:], b[:])
		scope, err := scopeOf(ip.Zone())
		binary.NativeEndian.PutUint32(a.Data[sockaddr6Scope:], scope)
		a.bad = err
	default:
		a.bad = Invalid("invalid address %v", ap)
	}
	return a
}

func scopeOf(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0, Invalid("zone %q: want the number of an interface", zone)
	}
	return uint32(n), nil
}

// UNIX returns the address of a UNIX domain socket (unix(7)). A leading @ stands
// for the NUL that begins names in the abstract namespace, as in package net.
// Paths hold up to 107 bytes. A request that uses what UNIX makes of a longer
// path, an empty one, or one with a NUL in it, is refused with ErrInvalid.
func UNIX(path string) *Sockaddr {
	a := new(Sockaddr)
	switch {
	case path == "":
		a.bad = errEmptyPath
	case len(path) >= sockaddrMax:
		a.bad = Invalid("socket path of %d bytes: the limit is %d", len(path), sockaddrMax-1)
	case strings.IndexByte(path, 0) >= 0:
		a.bad = errNULPath
	case path[0] == '@':
		a.setFamily(syscall.AF_UNIX, sockaddrPath+len(path))
		copy(a.Data[sockaddrPath+1:], path[1:])
	default:
		a.setFamily(syscall.AF_UNIX, sockaddrPath+len(path)+1)
		copy(a.Data[sockaddrPath:], path)
	}
	return a
}

// NetAddr returns the address in addr: a *net.TCPAddr, *net.UDPAddr or
// *net.UnixAddr, or another net.Addr that has a method AddrPort. IPv4 addresses
// become AF_INET also where package net holds them in 16 bytes. A request that
// uses what NetAddr makes of another type is refused with ErrInvalid.
func NetAddr(addr net.Addr) *Sockaddr {
	switch a := addr.(type) {
	case *net.UnixAddr:
		if a != nil {
			return UNIX(a.Name)
		}
	case interface{ AddrPort() netip.AddrPort }:
		ap := a.AddrPort()
		return Inet(netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
	}
	return &Sockaddr{bad: Invalid("address of type %T", addr)}
}

// Reset empties a and makes all of its room available to the kernel, for an
// address to be received. Engines call it before they accept.
func (a *Sockaddr) Reset() { *a = Sockaddr{Len: uint32(len(a.Data))} }

func (a *Sockaddr) setFamily(family uint16, length int) {
	binary.NativeEndian.PutUint16(a.Data[:], family)
	a.Len = uint32(length)
}

// check says why a cannot be used as a destination.
func (a *Sockaddr) check() error {
	switch {
	case a == nil:
		return Invalid("no address")
	case a.bad != nil:
		return a.bad
	case a.Len < 2 || int(a.Len) > len(a.Data):
		return Invalid("address of %d bytes: want 2 to %d", a.Len, len(a.Data))
	}
	return nil
}

// Family returns the address family, such as unix.AF_INET; 0 when a is empty.
func (a *Sockaddr) Family() int {
	if a.Len < 2 {
		return 0
	}
	return int(binary.NativeEndian.Uint16(a.Data[:]))
}

// AddrPort returns an Internet address and port; the zero AddrPort for other
// families. The zone of a link-local address is the number of its interface.
func (a *Sockaddr) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(a.Data[sockaddrPort:])
	switch {
	case a.Family() == syscall.AF_INET && a.Len >= sockaddr4Len:
		ip := netip.AddrFrom4([4]byte(a.Data[sockaddr4Addr:]))
		return netip.AddrPortFrom(ip, port)
	case a.Family() == syscall.AF_INET6 && a.Len >= sockaddr6Len:
		ip := netip.AddrFrom16([16]byte(a.Data[sockaddr6Addr:]))
		if scope := binary.NativeEndian.Uint32(a.Data[sockaddr6Scope:]); scope != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// Path returns the path of a UNIX domain address, with @ for the NUL that begins
// an abstract name; "" for unnamed sockets and other families.
func (a *Sockaddr) Path() string {
	if a.Family() != syscall.AF_UNIX {
		return ""
	}
	name := a.Data[sockaddrPath:min(int(a.Len), len(a.Data))]
	if len(name) > 0 && name[0] == 0 {
		return "@" + string(name[1:])
	}
	path, _, _ := strings.Cut(string(name), "\x00")
	return path
}

// String returns the address as it is commonly written: 192.0.2.1:80,
// [2001:db8::1]:80, /run/socket, @abstract.
func (a *Sockaddr) String() string {
	switch {
	case a == nil || a.bad != nil || a.Len < 2:
		return "no address"
	case a.AddrPort().IsValid():
		return a.AddrPort().String()
	case a.Family() != syscall.AF_UNIX:
		return fmt.Sprintf("address family %d", a.Family())
	case a.Path() == "":
		return "unnamed"
	}
	return a.Path()
}
