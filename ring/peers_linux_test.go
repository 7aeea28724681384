package ring_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// family is what clients of one address family connect to, and from.
type family struct {
	name   string
	domain int
	listen unix.Sockaddr             // where to begin
	bind   func(i int) unix.Sockaddr // nil: the kernel picks an address
}

func families(t testing.TB) []family {
	return []family{
		{"tcp4", unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, nil},
		{"tcp6", unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}, nil},
		{
			"unix", unix.AF_UNIX, &unix.SockaddrUnix{Name: fmt.Sprintf("@sluice-%d-%s", unix.Getpid(), t.Name())},
			func(i int) unix.Sockaddr {
				return &unix.SockaddrUnix{Name: fmt.Sprintf("@sluice-%d-%s-%d", unix.Getpid(), t.Name(), i)}
			},
		},
	}
}

// eachFamily runs f in both modes with a listening socket of each family.
func eachFamily(t *testing.T, f func(t *testing.T, r *ring.Ring, fam family, listener int)) {
	needs(t, "5.19")
	for _, fam := range families(t) {
		t.Run(fam.name, func(t *testing.T) {
			eachRing(t, func(t *testing.T, r *ring.Ring) {
				listener, err := unix.Socket(fam.domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err == unix.EAFNOSUPPORT {
					t.Skip("no such addresses here")
				}
				require.NoError(t, err)
				own(t, listener)
				if err := unix.Bind(listener, fam.listen); err == unix.EADDRNOTAVAIL {
					t.Skip("no such address here")
				} else {
					require.NoError(t, err)
				}
				require.NoError(t, unix.Listen(listener, 512))
				f(t, r, fam, listener)
			})
		})
	}
}

// connect makes client number i of listener, and returns its address as a Sockaddr
// writes it.
func (f family) connect(listener, i int) (fd int, name string, err error) {
	to, err := unix.Getsockname(listener)
	if err != nil {
		return -1, "", err
	}
	if fd, err = unix.Socket(f.domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, "", err
	}
	if f.bind != nil {
		if err = unix.Bind(fd, f.bind(i)); err != nil {
			return fd, "", err
		}
	}
	if err = unix.Connect(fd, to); err != nil {
		return fd, "", err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return fd, "", err
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		name = fmt.Sprintf("127.0.0.1:%d", a.Port)
	case *unix.SockaddrInet6:
		name = fmt.Sprintf("[::1]:%d", a.Port)
	case *unix.SockaddrUnix:
		name = a.Name
	}
	return fd, name, nil
}

// reset closes a connection so that the other side learns that it is gone.
func reset(fd int) error {
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	return unix.Close(fd)
}

// In a storm of clients, some of which are gone before they are looked at, each
// connection comes with its own address: that of its descriptor, and of one client.
func TestAcceptMultiAddrStorm(t *testing.T) {
	eachFamily(t, func(t *testing.T, r *ring.Ring, fam family, listener int) {
		const dialers, each = 4, 50
		id := start(t, r, ops.AcceptMultiAddr(listener, 0).WithTag("multi"))
		var mu sync.Mutex // guards wants
		var wants []string
		join := during(t, func() {
			var wg sync.WaitGroup
			for d := range dialers {
				wg.Go(func() {
					for i := range each {
						fd, name, err := fam.connect(listener, d*each+i)
						if !assert.NoError(t, err) {
							return
						}
						mu.Lock()
						wants = append(wants, name)
						mu.Unlock()
						if i%3 == 0 {
							assert.NoError(t, reset(fd))
						} else {
							assert.NoError(t, unix.Close(fd))
						}
					}
				})
			}
			wg.Wait()
		})
		var got []string
		dst := make([]ops.Completion, 32)
		for len(got) < dialers*each {
			n, err := r.Wait(dst, 1, patience)
			require.NoError(t, err)
			require.NotZero(t, n)
			for i := range dst[:n] {
				c := &dst[i]
				require.NoError(t, c.Err())
				require.Equal(t, id, c.ID)
				require.Equal(t, "multi", c.Tag)
				require.True(t, c.More)
				got = append(got, c.Peer().String())
				require.NoError(t, unix.Close(c.FD()))
			}
			for i := range dst[:n] {
				if i%2 == 0 { // the others stay what they are
					dst[i].Release()
				}
			}
			for i := 1; i < n; i += 2 {
				assert.Equal(t, got[len(got)-n+i], dst[i].Peer().String())
			}
		}
		join()
		assert.ElementsMatch(t, wants, got)
		require.NoError(t, r.Cancel(id))
		c := next(t, r)
		assert.ErrorIs(t, c.Err(), ops.ErrCanceled)
		assert.Nil(t, c.Peer())
		c.Release()
	})
}

// A client that has gone when its connection is taken still has its address, and
// one of a UNIX socket without a name has none.
func TestAcceptMultiAddrOfThoseGone(t *testing.T) {
	eachFamily(t, func(t *testing.T, r *ring.Ring, fam family, listener int) {
		id := start(t, r, ops.AcceptMultiAddr(listener, 0))
		var wants []string
		for i := range 10 {
			fd, name, err := fam.connect(listener, i)
			require.NoError(t, err)
			require.NoError(t, reset(fd))
			wants = append(wants, name)
		}
		for _, want := range wants {
			c := next(t, r)
			assert.Equal(t, want, c.Peer().String())
			assert.Equal(t, fam.domain, c.Peer().Family())
			assert.Empty(t, c.Bytes())
			for range c.Pieces() {
				t.Error("an address is no data")
			}
			require.NoError(t, unix.Close(c.FD()))
			c.Release()
		}
		if fam.domain == unix.AF_UNIX {
			fam.bind = nil
			fd, _, err := fam.connect(listener, 0)
			require.NoError(t, err)
			own(t, fd)
			c := next(t, r)
			assert.Equal(t, "unnamed", c.Peer().String())
			require.NoError(t, unix.Close(c.FD()))
		}
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeAccept, onFD(listener))
	})
}

// A second Release, and Peer after it, are caught, and an address that is kept is
// never another's.
func TestAcceptMultiAddrOwnership(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, port := listenTCP(t, 8, 0)
		id := start(t, r, ops.AcceptMultiAddr(listener, 0))
		accept := func() (*ops.Completion, string) {
			client := loopback(portOf(t, dialTCP(t, port))).String()
			c := next(t, r)
			own(t, c.FD())
			assert.Equal(t, client, c.Peer().String())
			return c, client
		}
		kept, first := accept()
		c, _ := accept()
		twin, lent := *c, c.Peer()
		c.Release()
		assert.Panics(t, c.Release)
		assert.Panics(t, twin.Release)
		assert.Panics(t, func() { twin.Peer() })
		later, _ := accept()
		assert.Same(t, lent, later.Peer(), "it is used again")
		assert.Panics(t, twin.Release, "it is another's now")
		assert.Equal(t, first, kept.Peer().String())
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeAccept, onFD(listener))
		later.Release()
	})
}

// Addresses of connections can be had, and released, after Close.
func TestAcceptMultiAddrAfterClose(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		listener, port := listenTCP(t, 8, 0)
		submit(t, r, ops.AcceptMultiAddr(listener, 0))
		client := dialTCP(t, port)
		require.NoError(t, r.Close())
		for _, c := range drain(t, r) {
			if c.FD() >= 0 {
				assert.EqualValues(t, portOf(t, client), c.Peer().AddrPort().Port())
				c.Release()
			}
		}
	})
}

func TestAcceptMultiAddrDoesNotAllocate(t *testing.T) {
	countsAllocations(t)
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		listener, addr := listenUNIX(t, 8)
		start(t, r, ops.AcceptMultiAddr(listener, 0))
		to := &unix.SockaddrUnix{Name: addr.Path()}
		var one [1]ops.Completion
		once := func() {
			client, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			_ = unix.Connect(client, to)
			if _, err := r.Wait(one[:], 1, ring.Forever); err != nil {
				t.Fatal(err)
			}
			_ = one[0].Peer()
			_ = unix.Close(client)
			_ = unix.Close(one[0].FD())
			one[0].Release()
		}
		for range 50 {
			once()
		}
		assert.Zero(t, testing.AllocsPerRun(100, once))
		_, err := r.CancelAll()
		require.NoError(t, err)
	})
}

func TestAcceptMultiAddrRefusals(t *testing.T) {
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	_, err = r.Submit(ops.AcceptMultiAddr(0, 0).IntoDirect())
	require.ErrorIs(t, err, ops.ErrInvalid)
	assert.Contains(t, err.Error(), "use AcceptMulti, and PeerName or Getsockopt with SO_PEERNAME")
	_, err = r.Do(t.Context(), ops.AcceptMultiAddr(0, 0))
	require.ErrorIs(t, err, ops.ErrInvalid)
	one := ops.AcceptMultiAddr(0, 0)
	one.Mode = 0
	_, err = r.Submit(one)
	assert.ErrorIs(t, err, ops.ErrInvalid)
}

// What IntoDirect's refusal recommends.
func TestDirectPeer(t *testing.T) {
	needs(t, "6.7")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{DirectFiles: 1})
		listener, port := listenTCP(t, 8, 0)
		client := dialTCP(t, port)
		d := do(t, r, ops.Accept(listener, 0).IntoDirect()).Direct()
		peer := new(ops.Sockaddr)
		c := do(t, r, ops.Getsockopt(d.FD(), unix.SOL_SOCKET, unix.SO_PEERNAME, peer.Data[:16]))
		peer.Len = uint32(c.N())
		assert.EqualValues(t, portOf(t, client), peer.AddrPort().Port())
	})
}

// One request accepts all clients, and tells who each of them is.
func ExampleRing_Submit_acceptMultiAddr() {
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(err)
	defer listener.Close()
	file, err := listener.File()
	must(err)
	defer file.Close()
	id, err := r.Submit(ops.AcceptMultiAddr(int(file.Fd()), 0).Keeping(file))
	must(err)
	var one [1]ops.Completion
	for range 2 {
		client, err := net.Dial("tcp", listener.Addr().String())
		must(err)
		_, err = r.Wait(one[:], 1, ring.Forever)
		must(err)
		c := &one[0]
		fmt.Println(c.Peer().String() == client.LocalAddr().String())
		must(unix.Close(c.FD()))
		c.Release() // optional: the address may as well be kept
		must(client.Close())
	}
	must(r.Cancel(id))
	_, err = r.Wait(one[:], 1, ring.Forever)
	must(err)
	// Output:
	// true
	// true
}
