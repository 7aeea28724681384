package ops

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestInet(t *testing.T) {
	for text, length := range map[string]uint32{
		"192.0.2.1:80":                    16,
		"0.0.0.0:0":                       16,
		"[2001:db8::1]:65535":             28,
		"[::ffff:192.0.2.1]:1":            28, // an IPv4 client of an IPv6 socket
		"[fe80::1%3]:22":                  28,
		"[fe80::1%4294967295]:22":         28,
		"[::]:443":                        28,
		"255.255.255.255:65535":           16,
		"[2001:db8:1:2:3:4:5:6]:1":        28,
		"[ff02::fb%2]:5353":               28,
		"127.0.0.1:53":                    16,
		"[2001:db8:ffff:ffff::ffff]:8080": 28,
	} {
		ap := netip.MustParseAddrPort(text)
		a := Inet(ap)
		assert.NoError(t, a.check())
		assert.Equal(t, length, a.Len)
		assert.Equal(t, ap, a.AddrPort())
		assert.Equal(t, text, a.String())
		assert.Empty(t, a.Path())
	}
}

// The layouts of ip(7) and ipv6(7): port and address in network byte order.
func TestInetBytes(t *testing.T) {
	a := Inet(netip.MustParseAddrPort("192.0.2.1:258"))
	assert.Equal(t, syscall.AF_INET, a.Family())
	assert.Equal(t, []byte{1, 2, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0}, a.Data[2:a.Len])
	a = Inet(netip.MustParseAddrPort("[2001:db8::9]:258"))
	assert.Equal(t, syscall.AF_INET6, a.Family())
	assert.Equal(t, []byte{1, 2, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0}, a.Data[2:a.Len])
}

func TestUNIX(t *testing.T) {
	longest := strings.Repeat("p", 107)
	for path, length := range map[string]uint32{
		"/run/x": 9, "@x": 4, "@": 3, longest: 110, "@" + longest[1:]: 109,
	} {
		a := UNIX(path)
		assert.NoError(t, a.check())
		assert.Equal(t, length, a.Len)
		assert.Equal(t, syscall.AF_UNIX, a.Family())
		assert.Equal(t, path, a.Path())
		assert.Equal(t, path, a.String())
		assert.False(t, a.AddrPort().IsValid())
	}
	assert.Equal(t, []byte("\x00x"), UNIX("@x").Data[2:4])
	unnamed := Sockaddr{Data: UNIX("@").Data, Len: 2}
	assert.Equal(t, "unnamed", unnamed.String())
}

func TestNetAddr(t *testing.T) {
	assert.Equal(t, "192.0.2.1:80", NetAddr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}).String())
	assert.Equal(t, "[::1]:80", NetAddr(&net.UDPAddr{IP: net.IPv6loopback, Port: 80}).String())
	assert.Equal(t, "@x", NetAddr(&net.UnixAddr{Net: "unix", Name: "@x"}).String())
}

func TestBadAddresses(t *testing.T) {
	for name, a := range map[string]*Sockaddr{
		"nil":         nil,
		"zero":        new(Sockaddr),
		"too long":    {Len: 129},
		"invalid":     Inet(netip.AddrPort{}),
		"named zone":  Inet(netip.MustParseAddrPort("[fe80::1%eth0]:1")),
		"long path":   UNIX(strings.Repeat("p", 108)),
		"empty path":  UNIX(""),
		"NUL":         UNIX("a\x00b"),
		"nil addr":    NetAddr(nil),
		"nil TCPAddr": NetAddr((*net.TCPAddr)(nil)),
		"nil UNIX":    NetAddr((*net.UnixAddr)(nil)),
		"IPAddr":      NetAddr(&net.IPAddr{}),
	} {
		assert.ErrorIs(t, a.check(), ErrInvalid, name)
		r := Connect(3, a)
		assert.ErrorIs(t, r.Validate(), ErrInvalid, name)
	}
	for _, a := range []*Sockaddr{nil, {}, UNIX("")} {
		assert.Equal(t, "no address", a.String())
	}
}

func TestReset(t *testing.T) {
	a := UNIX("")
	a.Reset()
	assert.NoError(t, a.check())
	assert.EqualValues(t, 128, a.Len)
	assert.Equal(t, "address family 0", a.String())
	for n := range uint32(200) { // whatever a kernel may write as a length
		a.Len = n
		_, _, _ = a.String(), a.Path(), a.AddrPort()
	}
}
