package ring_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// pieces returns the parts that a completion has borrowed, and sees that they agree
// with its count and with Bytes.
func pieces(t testing.TB, c *ops.Completion) (all []string) {
	t.Helper()
	require.NoError(t, c.Err())
	for p := range c.Pieces() {
		all = append(all, string(p))
	}
	assert.Equal(t, strings.Join(all, ""), string(c.Bytes()))
	assert.Equal(t, c.N(), len(c.Bytes()))
	return all
}

// eachBundle runs f with and without incremental consumption, on kernels with
// bundles (not for those) and as if there were none.
func eachBundle(t *testing.T, buffers, size int, f func(t *testing.T, r *ring.Ring, g *ring.BufferRing, bundles bool)) {
	needs(t, "6.0")
	for _, incremental := range []bool{false, true} {
		for _, allowed := range []bool{true, false} {
			eachRing(t, func(t *testing.T, r *ring.Ring) {
				if !allowed {
					r.ForbidBundles()
				}
				g, err := r.NewBufferRing(ring.BufferConfig{Buffers: buffers, Size: size, Incremental: incremental})
				if incremental && err != nil {
					require.ErrorIs(t, err, ops.ErrNotSupported)
					t.Skip("no incremental consumption here")
				}
				require.NoError(t, err)
				defer func() { assert.Zero(t, g.Lent()) }()
				f(t, r, g, allowed && !incremental && r.HasFeature(uring.FeatRecvSendBundle))
			})
		}
	}
}

// severalOfUnix reports whether the kernel receives several buffers from a UNIX socket
// at once. Up to 6.16 it takes one, since it does not know how much is there.
func severalOfUnix() bool { return testkit.KernelHas("6.17") }

// A bundle owns several buffers, in order, until it is released; all of them come
// back. Where the kernel has no bundles, each completion has one.
func TestRecvBundle(t *testing.T) {
	eachBundle(t, 8, 4, func(t *testing.T, r *ring.Ring, g *ring.BufferRing, bundles bool) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		most := 0
		for range 10 {
			write(t, b, "1111222233")
			text := ""
			for text != "1111222233" {
				c := do(t, r, ops.RecvBundle(a, g, 0))
				for _, p := range pieces(t, c) {
					assert.LessOrEqual(t, len(p), 4)
					text += p
				}
				assert.True(t, bundles || c.N() <= 4)
				most = max(most, c.N())
				assert.Equal(t, 1, g.Lent())
				c.Release()
				assert.Zero(t, g.Lent())
			}
		}
		assert.Equal(t, bundles && severalOfUnix(), most > 4)
		require.NoError(t, unix.Shutdown(b, unix.SHUT_WR))
		for range 20 { // as many times as would use the buffers up
			c := do(t, r, ops.RecvBundle(a, g, 0))
			assert.Zero(t, c.N())
			assert.Empty(t, pieces(t, c))
			c.Release()
		}
		c, d := unixPair(t, unix.SOCK_STREAM)
		write(t, d, strings.Repeat("x", 32))
		for n := 0; n < 32; {
			got := do(t, r, ops.RecvBundle(c, g, 0))
			n += got.N()
			got.Release()
		}
	})
}

// A second Release, and a use after it, are caught: of the completion, of a copy,
// and inside the loop over the pieces.
func TestBundleOwnership(t *testing.T) {
	eachBundle(t, 8, 4, func(t *testing.T, r *ring.Ring, g *ring.BufferRing, bundles bool) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		write(t, b, "11112222")
		c := do(t, r, ops.RecvBundle(a, g, 0))
		twin := *c
		assert.Panics(t, func() {
			for range c.Pieces() {
				c.Release()
			}
			c.Release() // where there was but one piece
		})
		assert.Panics(t, twin.Release)
		assert.Panics(t, func() { twin.Bytes() })
		assert.Panics(t, func() {
			for range twin.Pieces() {
			}
		})
		write(t, b, "3333")
		next := do(t, r, ops.RecvBundle(a, g, 0))
		assert.Panics(t, twin.Release, "the loan is another's now")
		if bundles && severalOfUnix() {
			assert.Equal(t, "3333", string(next.Bytes()))
		}
		for range next.Pieces() {
			break
		}
		next.Release()
	})
}

// While all buffers are lent the request pauses, and goes on by itself when a bundle
// is released. Nothing is lost. (trap 15)
func TestBundleOutOfBuffers(t *testing.T) {
	eachBundle(t, 2, 4, func(t *testing.T, r *ring.Ring, g *ring.BufferRing, bundles bool) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		id := submit(t, r, ops.RecvBundleMulti(a, g, 0))
		write(t, b, "11112222333344445")
		var held []ops.Completion
		text := ""
		for len(text) < 8 {
			c := takeOne(t, r)
			assert.True(t, c.More)
			text += string(c.Bytes())
			held = append(held, c)
		}
		waits(t, r)
		for i := range held {
			held[i].Release()
		}
		for len(text) < 17 {
			c := takeOne(t, r)
			text += strings.Join(pieces(t, &c), "")
			c.Release()
		}
		assert.Equal(t, "11112222333344445", text)
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
		require.NoError(t, g.Close())
	})
}

// Several streams share a group, by bundles and one by one, and give buffers back
// out of order: each gets its own bytes.
func TestBundlesShareBuffers(t *testing.T) {
	eachBundle(t, 16, 64, func(t *testing.T, r *ring.Ring, g *ring.BufferRing, _ bool) {
		const n, size = 6, 1 << 15
		random := rand.New(rand.NewPCG(1, 2))
		sent := make([][]byte, n)
		received := make([][]byte, n)
		var out []int
		for i := range n {
			sent[i] = make([]byte, size)
			for j := range sent[i] {
				sent[i][j] = byte(random.Uint32())
			}
			a, b := unixPair(t, unix.SOCK_STREAM)
			if i%2 == 0 {
				a, b = tcpPair(t, 0) // whose receives know how much there is
			}
			req := ops.RecvBundleMulti(a, g, 0)
			if i%3 == 0 {
				req = ops.RecvMulti(a, g, 0)
			}
			submit(t, r, req.WithTag(i))
			out = append(out, b)
		}
		join := during(t, func() {
			for at := 0; at < size; at += 512 {
				for i, fd := range out {
					_, err := unix.Write(fd, sent[i][at:at+512])
					assert.NoError(t, err)
				}
			}
			for _, fd := range out {
				assert.NoError(t, unix.Shutdown(fd, unix.SHUT_WR))
			}
		})
		var held []ops.Completion
		for ended := 0; ended < n; {
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			i := c.Tag.(int)
			for p := range c.Pieces() {
				received[i] = append(received[i], p...)
			}
			if !c.More {
				ended++
			}
			held = append(held, c)
			for owned(held) > 8 { // out of order, and before all are gone
				k := random.IntN(len(held))
				held[k].Release()
				held = append(held[:k], held[k+1:]...)
			}
		}
		join()
		for i := range held {
			held[i].Release()
		}
		for i := range n {
			assert.True(t, bytes.Equal(sent[i], received[i]), "stream %d", i)
		}
	})
}

// owned returns how many pieces completions have borrowed.
func owned(held []ops.Completion) (n int) {
	for i := range held {
		for range held[i].Pieces() {
			n++
		}
	}
	return n
}

// What a bundle is made of costs nothing once it is there.
func TestBundlesDoNotAllocate(t *testing.T) {
	countsAllocations(t)
	eachBundle(t, 8, 64, func(t *testing.T, r *ring.Ring, g *ring.BufferRing, _ bool) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		submit(t, r, ops.RecvBundleMulti(a, g, 0))
		text := bytes.Repeat([]byte("x"), 200)
		var one [1]ops.Completion
		once := func() {
			_, _ = unix.Write(b, text)
			for n := 0; n < len(text); {
				if _, err := r.Wait(one[:], 1, ring.Forever); err != nil {
					t.Fatal(err)
				}
				for p := range one[0].Pieces() {
					n += len(p)
				}
				one[0].Release()
			}
		}
		for range 50 {
			once()
		}
		assert.Zero(t, testing.AllocsPerRun(100, once))
		_, err := r.CancelAll()
		require.NoError(t, err)
	})
}

func TestBundleRefusals(t *testing.T) {
	needs(t, "5.19") // for a group of buffers
	r, err := ring.New(ring.Config{})
	require.NoError(t, err)
	defer closeRing(t, r)
	g, err := r.NewBufferRing(ring.BufferConfig{Buffers: 1, Size: 1})
	require.NoError(t, err)
	for _, req := range []ops.Request{ops.ReadSelect(0, g, 0), ops.Recv(0, nil, 0), ops.Nop(), ops.RecvBundle(0, nil, 0)} {
		req.Mode |= ops.Bundle
		_, err := r.Submit(req)
		assert.ErrorIs(t, err, ops.ErrInvalid, "%v", req.Code)
	}
	err = r.SubmitAll(ops.Chain(ops.RecvBundleMulti(0, g, 0), ops.Nop()), nil)
	assert.ErrorIs(t, err, ops.ErrInvalid)
}
