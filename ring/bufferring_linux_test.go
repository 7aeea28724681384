package ring_test

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// bufferRing returns a group of buffers on r, of which nothing may be lent at the
// end of the test.
func bufferRing(t testing.TB, r *ring.Ring, cfg ring.BufferConfig) *ring.BufferRing {
	t.Helper()
	g, err := r.NewBufferRing(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.Zero(t, g.Lent(), "buffers that were not released") })
	return g
}

// got takes the next completion, which must belong to id and have borrowed a
// buffer, and returns what is in it.
func got(t testing.TB, r *ring.Ring, id ops.ID) string {
	t.Helper()
	c := next(t, r)
	require.Equal(t, id, c.ID)
	require.NoError(t, c.Err())
	require.Equal(t, c.N(), len(c.Bytes()))
	s := string(c.Bytes())
	c.Release()
	return s
}

func TestRecvMulti(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 4, Size: 8})
		id := start(t, r, ops.RecvMulti(a, g, 0).WithTag("tag"))
		for range 20 {
			write(t, b, "hello")
			c := next(t, r)
			assert.Equal(t, "hello", string(c.Bytes()))
			assert.Equal(t, "tag", c.Tag)
			assert.True(t, c.More)
			assert.Nil(t, c.Buf)
			c.Release()
		}
		write(t, b, "longer than one")
		assert.Equal(t, "longer t", got(t, r, id))
		assert.Equal(t, "han one", got(t, r, id))
		waits(t, r)
		require.NoError(t, unix.Shutdown(b, unix.SHUT_WR))
		c := finish(t, r, id)
		assert.Zero(t, c.N())
		assert.Empty(t, c.Bytes())
		c.Release() // there is nothing to release
		assert.ErrorIs(t, r.Cancel(id), ops.ErrNotFound)
		require.NoError(t, g.Close())
		require.NoError(t, g.Close())
	})
}

// While all buffers are lent the request pauses, and it goes on by itself when one
// comes back. Nothing is lost. (trap 15)
func TestRecvMultiOutOfBuffers(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 4})
		id := start(t, r, ops.RecvMulti(a, g, 0))
		write(t, b, "111122223333444455")
		held := take(t, r, 2)
		assert.Equal(t, "1111", string(held[0].Bytes()))
		waits(t, r)
		held[0].Release()
		assert.Equal(t, "3333", got(t, r, id))
		assert.Equal(t, "4444", got(t, r, id))
		assert.Equal(t, "55", got(t, r, id))
		waits(t, r)
		assert.Equal(t, "2222", string(held[1].Bytes()))
		held[1].Release()
		write(t, b, "66")
		assert.Equal(t, "66", got(t, r, id))
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
	})
}

// Many connections share few buffers: each waits for its turn.
func TestManyShareFewBuffers(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 64})
		const n, rounds = 20, 50
		out := make([]int, n)
		sums := make([]int, n)
		for i := range n {
			a, b := unixPair(t, unix.SOCK_STREAM)
			out[i] = b
			req := ops.RecvMulti(a, g, 0)
			if i%2 == 0 {
				req = ops.RecvSelect(a, g, 0)
			}
			submit(t, r, req.WithTag([2]int{i, a}))
		}
		join := during(t, func() {
			for range rounds {
				for _, fd := range out {
					_, err := unix.Write(fd, []byte("0123456789"))
					assert.NoError(t, err)
				}
			}
			for _, fd := range out {
				assert.NoError(t, unix.Shutdown(fd, unix.SHUT_WR))
			}
		})
		var held []ops.Completion
		for open := n; open > 0; {
			c := takeOne(t, r)
			require.NoError(t, c.Err())
			tag := c.Tag.([2]int)
			sums[tag[0]] += c.N()
			switch {
			case c.N() == 0:
				open--
			case !c.More:
				submit(t, r, ops.RecvSelect(tag[1], g, 0).WithTag(tag))
			}
			if held = append(held, c); len(held) == 2 || c.N() == 0 {
				for _, c := range held {
					c.Release()
				}
				held = nil
			}
		}
		join()
		for _, c := range held {
			c.Release()
		}
		for i, sum := range sums {
			assert.Equal(t, 10*rounds, sum, "connection %d", i)
		}
	})
}

// What is used after Release, or released twice, is caught, also through a copy
// and after the buffer has gone to another completion.
func TestReleaseIsOnce(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 1})
		id := submit(t, r, ops.RecvMulti(a, g, 0))
		write(t, b, "x")
		c := *next(t, r)
		twin := c
		c.Release()
		text := "ops: Release of recv " + onFD(a) + ": its buffer was released before"
		assert.PanicsWithValue(t, text, c.Release)
		assert.PanicsWithValue(t, text, twin.Release)
		assert.PanicsWithValue(t, "ops: Bytes of recv "+onFD(a)+": its buffer was released before", func() { twin.Bytes() })
		write(t, b, "y")
		other := next(t, r)
		assert.Panics(t, c.Release)
		assert.Panics(t, func() { c.Bytes() })
		assert.Equal(t, "y", string(other.Bytes()))
		other.Release()
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
	})
}

// Cancel and timeouts reach a request also while it waits for a buffer, and a
// completion that comes all the same brings its buffer. (trap 24)
func TestSelectCancelled(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 1, Size: 4})
		cancels(t, r, ops.RecvSelect(a, g, 0), onFD(a))
		cancels(t, r, ops.RecvMulti(a, g, 0), onFD(a))
		write(t, b, "12345678")
		first := next1(t, r, ops.RecvSelect(a, g, 0))
		cancels(t, r, ops.RecvSelect(a, g, 0), onFD(a))
		cancels(t, r, ops.RecvMulti(a, g, 0), onFD(a))
		_, err := try(t, r, ops.RecvSelect(a, g, 0).WithTimeout(time.Millisecond))
		explains(t, err, ops.CodeRecv, onFD(a), ops.ErrTimeout)
		err = g.Close()
		assert.NoError(t, err, "nothing picks from it; what is lent stays good")
		assert.Equal(t, "1234", string(first.Bytes()))
		first.Release()
		_, err = r.Submit(ops.RecvSelect(a, g, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "its buffer group is closed")
	})
}

func next1(t testing.TB, r *ring.Ring, req ops.Request) *ops.Completion {
	t.Helper()
	submit(t, r, req)
	c := next(t, r)
	require.NoError(t, c.Err())
	return c
}

// Data and cancels come at the same time: no byte and no buffer is lost.
func TestSelectCancelRaces(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 16})
		a, b := socketpair(t, 0)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		sent, received := 0, 0
		for range 300 {
			req := ops.RecvMulti(a, g, 0)
			if random.IntN(2) == 0 {
				req = ops.RecvSelect(a, g, 0)
			}
			id := submit(t, r, req)
			for range random.IntN(4) {
				write(t, b, "0123456789")
				sent += 10
			}
			_ = r.Cancel(id)
			for {
				c := takeOne(t, r)
				if c.Err() != nil {
					require.ErrorIs(t, c.Err(), ops.ErrCanceled)
				}
				received += c.N()
				c.Release()
				if !c.More {
					break
				}
			}
		}
		n, _, err := unix.Recvfrom(a, make([]byte, 1<<20), unix.MSG_DONTWAIT)
		if err == nil {
			received += n // what the last cancel has left
		}
		assert.Equal(t, sent, received)
		assert.Zero(t, g.Lent())
	})
}

// Nonblocking sockets are no exception. (trap 10)
func TestRecvMultiNonblocking(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := tcpPair(t, unix.SOCK_NONBLOCK)
		g := bufferRing(t, r, ring.BufferConfig{})
		id := start(t, r, ops.RecvMulti(a, g, 0))
		for range 3 {
			write(t, b, "x")
			assert.Equal(t, "x", got(t, r, id))
			waits(t, r)
		}
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
	})
}

func TestReadMulti(t *testing.T) {
	needs(t, "6.7")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		rd, wr := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 4})
		id := start(t, r, ops.ReadMulti(rd, g))
		write(t, wr, "111122223333")
		for _, want := range []string{"1111", "2222", "3333"} {
			assert.Equal(t, want, got(t, r, id))
		}
		waits(t, r)
		write(t, wr, "x")
		assert.Equal(t, "x", got(t, r, id))
		require.NoError(t, unix.Close(wr))
		assert.Zero(t, finish(t, r, id).N())
		fd, _ := tempFile(t, "regular")
		dir := own(t, folder(t))
		fails(t, r, ops.ReadSelect(dir, g, 0), syscall.EISDIR, onFD(dir))
		c := next1(t, r, ops.ReadSelect(fd, g, 2))
		assert.Equal(t, "gula", string(c.Bytes()))
		c.Release()
		assert.Zero(t, next1(t, r, ops.ReadSelect(fd, g, 100)).N())
	})
}

// folder returns a descriptor of a folder, which cannot be read.
func folder(t testing.TB) int {
	fd, err := unix.Open("/", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	return fd
}

// With incremental consumption small pieces share a buffer, which comes back when
// all of them are released.
func TestIncrementalBuffers(t *testing.T) {
	needs(t, "6.12")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_STREAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 2, Size: 64, Incremental: true})
		id := submit(t, r, ops.RecvMulti(a, g, 0))
		var want, have bytes.Buffer
		var held []*ops.Completion
		for i := range 500 {
			piece := bytes.Repeat([]byte{byte('a' + i%26)}, 1+i%7)
			write(t, b, string(piece))
			want.Write(piece)
			for have.Len() < want.Len() {
				c := next(t, r)
				require.Equal(t, id, c.ID)
				have.Write(c.Bytes())
				if held = append(held, c); len(held) == 5 {
					for _, k := range []int{3, 0, 4, 1, 2} {
						held[k].Release()
					}
					held = nil
				}
			}
		}
		assert.Equal(t, want.String(), have.String())
		for _, c := range held {
			assert.NotEmpty(t, c.Bytes())
			c.Release()
		}
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
		for _, req := range []ops.Request{ops.RecvmsgMulti(a, g, ops.MessageRoom{}, 0), ops.ReadSelect(a, g, ops.Current)} {
			_, err := r.Submit(req)
			assert.ErrorIs(t, err, ops.ErrInvalid)
		}
	})
}

// The end of a stream takes nothing of a buffer, whatever the kernel says of it: what
// comes after it, from others, is in its place.
func TestIncrementalBuffersAtTheEnd(t *testing.T) {
	needs(t, "6.12")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 4, Size: 8, Incremental: true})
		for _, receive := range []func(int, ops.BufferGroup, int) ops.Request{ops.RecvSelect, ops.RecvBundle} {
			a, b := unixPair(t, unix.SOCK_STREAM)
			write(t, b, "ab")
			c := do(t, r, receive(a, g, 0))
			assert.Equal(t, "ab", string(c.Bytes()))
			c.Release()
			require.NoError(t, unix.Shutdown(b, unix.SHUT_WR))
			for range 3 {
				assert.Zero(t, do(t, r, receive(a, g, 0)).N())
			}
			submit(t, r, ops.RecvMulti(a, g, 0))
			assert.Zero(t, next(t, r).N())
			rd, wr := pipe2(t, unix.O_CLOEXEC|unix.O_NONBLOCK)
			submit(t, r, ops.ReadMulti(rd, g))
			write(t, wr, "c")
			c = next(t, r)
			assert.Equal(t, "c", string(c.Bytes()))
			c.Release()
			require.NoError(t, unix.Close(wr))
			assert.Zero(t, next(t, r).N())
			a, b = unixPair(t, unix.SOCK_STREAM)
			text := "0123456789abcdefghijklmno"
			write(t, b, text)
			var held []*ops.Completion
			have := ""
			for len(have) < len(text) {
				c := do(t, r, receive(a, g, 0))
				for p := range c.Pieces() {
					have += string(p)
				}
				held = append(held, c)
			}
			assert.Equal(t, text, have)
			for _, c := range held {
				c.Release()
			}
		}
	})
}
