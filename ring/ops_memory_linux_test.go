package ring_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// churn submits requests of every kind that hands the kernel an address, from
// goroutines whose stacks grow and shrink. Nothing but the Ring keeps buffers
// and arguments reachable: checks know what to expect, and look at what the
// completion brings.
type churn struct {
	t     *testing.T
	r     *ring.Ring
	dir   string
	slots chan struct{} // bounds what is in flight
	over  chan struct{} // closed when the test ends
}

// check looks at a completion: the Tag of every request.
type check func(c *ops.Completion) error

const (
	churners = 6
	rounds   = 60
	kinds    = 9 // requests in a round
)

// With the collector running all the time, and stacks moving, all data arrives
// where it belongs. (trap 8)
func TestOpMemoryUnderPressure(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		c := &churn{t: t, r: r, dir: t.TempDir(), slots: make(chan struct{}, 64*kinds), over: make(chan struct{})}
		var all sync.WaitGroup
		for i := range churners {
			all.Add(1)
			go func() {
				defer all.Done()
				for n := range rounds {
					c.round(i, n)
					grow(1 + n%7*40)
				}
			}()
		}
		defer all.Wait()
		defer close(c.over)
		var dst [32]ops.Completion
		for left := churners * rounds * kinds; left > 0; {
			n, err := r.Wait(dst[:], 1, patience)
			require.NoError(t, err, "%d completions are missing", left)
			for j := range dst[:n] {
				require.NoError(t, dst[j].Err())
				require.NoError(t, dst[j].Tag.(check)(&dst[j]))
				<-c.slots
			}
			left -= n
			grow(left % 100)
		}
	})
}

// grow makes the stack move, and garbage that overwrites what was freed.
//
//go:noinline
func grow(depth int) int {
	var frame [1024]byte
	frame[depth%len(frame)] = 0xaa
	if depth == 0 {
		return len(strings.Repeat("\xff", 5000))
	}
	return grow(depth-1) + int(frame[depth%len(frame)])
}

// pattern is the data of a request: 100 bytes that no other has.
func pattern(who, round, kind int) string {
	rng := rand.New(rand.NewPCG(uint64(who*rounds+round), uint64(kind)))
	b := make([]byte, 100)
	for i := range b {
		b[i] = 'a' + byte(rng.UintN(26))
	}
	return string(b)
}

func (c *churn) submit(req ops.Request, then check) {
	select {
	case c.slots <- struct{}{}:
	case <-c.over: // too early: it has failed
		return
	}
	_, err := c.r.Submit(req.WithTag(then))
	assert.NoError(c.t, err)
}

func (c *churn) round(who, round int) {
	text := func(kind int) string { return pattern(who, round, kind) }
	c.transfers(text)
	c.paths(fmt.Sprintf("%s/%d-%d", c.dir, who, round), round)
	c.message(text(5), text(6))
	c.connect(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(who), byte(round), 1}), 1234))
}

// transfers reads and writes pipes and sockets: four requests.
func (c *churn) transfers(text func(kind int) string) {
	rd, wr := c.pair(unix.Pipe)
	c.submit(ops.Read(rd, make([]byte, 120), ops.Current), func(done *ops.Completion) error {
		return expect(text(1), string(done.Bytes()), rd)
	})
	c.submit(ops.Write(wr, []byte(text(1)), ops.Current), func(done *ops.Completion) error {
		return expect(100, done.N(), wr)
	})
	rd2, wr2 := c.pair(unix.Pipe)
	bufs := [][]byte{make([]byte, 33), make([]byte, 67)}
	c.submit(ops.Readv(rd2, bufs, ops.Current), func(done *ops.Completion) error {
		got := done.Arg.(*ops.Vectors).Buffers()
		return expect(text(2), string(got[0])+string(got[1]), rd2)
	})
	half := []byte(text(2))
	c.submit(ops.Writev(wr2, [][]byte{half[:50], half[50:]}, ops.Current), func(done *ops.Completion) error {
		return expect(100, done.N(), wr2)
	})
}

// paths makes a file and asks about another: two requests, which kernel threads
// carry out later.
func (c *churn) paths(path string, size int) {
	how := unix.OpenHow{Flags: unix.O_CREAT | unix.O_EXCL | unix.O_RDWR, Mode: 0o600}
	c.submit(ops.Open2(path, &how), func(done *ops.Completion) error {
		got, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", done.FD()))
		if err != nil {
			return err
		}
		return expect(path, got, done.FD())
	})
	assert.NoError(c.t, os.WriteFile(path+"-stat", make([]byte, size), 0o600))
	var st unix.Statx_t
	c.submit(ops.Statx(unix.AT_FDCWD, path+"-stat", 0, unix.STATX_SIZE, &st), func(done *ops.Completion) error {
		return expect(uint64(size), done.Arg.(*unix.Statx_t).Size, -1)
	})
}

// message sends one with a descriptor: two requests.
func (c *churn) message(first, second string) {
	a, b := c.pair(func(p []int) error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		copy(p, pair[:])
		return err
	})
	in := ops.NewMsg(make([]byte, 150), make([]byte, 50))
	in.Control = make([]byte, unix.CmsgSpace(4))
	c.submit(ops.Recvmsg(b, in, unix.MSG_WAITALL), func(done *ops.Completion) error {
		m := done.Arg.(*ops.Msg)
		messages, err := unix.ParseSocketControlMessage(m.Ancillary())
		if err != nil {
			return err
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil {
			return err
		}
		_ = unix.Close(b)
		return expect(first+second, joined(m, done.N()), fds[0])
	})
	out := ops.NewMsg([]byte(first), []byte(second))
	out.Control = unix.UnixRights(a)
	c.submit(ops.Sendmsg(a, out, 0), func(done *ops.Completion) error {
		return expect(200, done.N(), a)
	})
}

// connect has the kernel read an address: one request.
func (c *churn) connect(to netip.AddrPort) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	assert.NoError(c.t, err)
	c.submit(ops.Connect(fd, ops.Inet(to)), func(*ops.Completion) error {
		peer, err := unix.Getpeername(fd)
		if err != nil {
			return err
		}
		got := peer.(*unix.SockaddrInet4)
		return expect(to, netip.AddrPortFrom(netip.AddrFrom4(got.Addr), uint16(got.Port)), fd)
	})
}

func (c *churn) pair(make func([]int) error) (a, b int) {
	var p [2]int
	assert.NoError(c.t, make(p[:]))
	return p[0], p[1]
}

// expect compares, and closes fd unless it is negative.
func expect[T comparable](want, got T, fd int) error {
	if fd >= 0 {
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	if want != got {
		return fmt.Errorf("want %v, got %v", want, got)
	}
	return nil
}

// A file that only the request refers to stays open until its completion was
// taken, and no longer. (trap 11)
func TestOpKeep(t *testing.T) {
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		wr := startKept(t, r)
		for range 3 {
			runtime.GC()
			waits(t, r)
		}
		write(t, wr, "kept")
		assert.Equal(t, "kept", string(next(t, r).Bytes()))
		assert.Eventually(t, func() bool {
			runtime.GC()
			_, err := unix.Write(wr, []byte("late"))
			return err == unix.EPIPE
		}, patience, moment)
	})
}

// startKept starts a read of a pipe whose reading end nobody else refers to.
func startKept(t *testing.T, r *ring.Ring) (wr int) {
	t.Helper()
	var p [2]int
	require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	file := os.NewFile(uintptr(p[0]), "kept")
	start(t, r, ops.Read(p[0], make([]byte, 10), ops.Current).Keeping(file))
	return own(t, p[1])
}
