package ring_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestBufferConfig(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, cfg := range []ring.BufferConfig{
			{Buffers: -1}, {Buffers: ring.MaxGroupBuffers + 1}, {Size: -1}, {Size: ring.MaxBufferSize + 1},
			{Buffers: ring.MaxGroupBuffers, Size: ring.MaxBufferSize},
		} {
			_, err := r.NewBufferRing(cfg)
			assert.ErrorIs(t, err, ops.ErrInvalid, "%+v", cfg)
		}
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 5, Size: 1})
		assert.Equal(t, 8, g.Buffers())
		assert.Equal(t, 1, g.Size())
		other := bufferRing(t, r, ring.BufferConfig{})
		assert.NotEqual(t, g.GroupID(), other.GroupID())
		assert.Equal(t, ring.DefaultGroupBuffers, other.Buffers())
		require.NoError(t, g.Close())
		again := bufferRing(t, r, ring.BufferConfig{})
		assert.Equal(t, g.GroupID(), again.GroupID())
		require.NoError(t, g.Close(), "it is closed, and not the new one")
		a, _ := unixPair(t, unix.SOCK_STREAM)
		id := start(t, r, ops.RecvMulti(a, again, 0))
		err := again.Close()
		assert.ErrorIs(t, err, ops.ErrBusy)
		assert.ErrorContains(t, err, "1 requests pick from it")
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
		require.NoError(t, again.Close())
		require.NoError(t, r.Close())
		_, err = r.NewBufferRing(ring.BufferConfig{})
		assert.ErrorIs(t, err, ops.ErrClosed)
		require.NoError(t, other.Close())
	})
}

func TestBufferRingOfAnotherRing(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		other, err := ring.New(ring.Config{})
		require.NoError(t, err)
		defer closeRing(t, other)
		g := bufferRing(t, other, ring.BufferConfig{})
		_, err = r.Submit(ops.RecvSelect(0, g, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "its buffer group is of another ring")
		err = r.SubmitAll([]ops.Request{ops.Nop(), ops.RecvSelect(0, g, 0)}, nil)
		assert.ErrorContains(t, err, "request 2 of 2")
		_, err = r.Submit(ops.RecvSelect(0, nil, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		bad := ops.RecvMulti(0, g, 0)
		bad.Index++
		assert.ErrorIs(t, bad.Validate(), ops.ErrInvalid)
		bad = ops.RecvMulti(0, g, 0)
		bad.Link = ops.Soft
		assert.ErrorIs(t, bad.Validate(), ops.ErrInvalid)
		bad = ops.RecvMulti(0, g, 0)
		bad.Mode &^= ops.Managed
		assert.ErrorIs(t, bad.Validate(), ops.ErrInvalid)
	})
}

// Only the owner of a pinned Ring makes and closes its groups; anybody releases.
func TestBufferRingPinned(t *testing.T) {
	needs(t, "6.0")
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	g := bufferRing(t, r, ring.BufferConfig{Buffers: 1, Size: 1})
	a, b := unixPair(t, unix.SOCK_STREAM)
	id := start(t, r, ops.RecvMulti(a, g, 0))
	write(t, b, "xyz")
	for _, want := range []string{"x", "y", "z"} {
		c := next(t, r)
		assert.Equal(t, want, string(c.Bytes()))
		during(t, func() { c.Release() })
	}
	require.NoError(t, r.Cancel(id))
	canceled(t, r, id, ops.CodeRecv, onFD(a))
	serve(t, r, during(t, func() {
		_, err := r.NewBufferRing(ring.BufferConfig{})
		assert.ErrorIs(t, err, ops.ErrWrongThread)
		assert.ErrorIs(t, g.Close(), ops.ErrWrongThread)
	}))
}

// Buffers outlive the Ring, until they are released; completions that were not
// taken bring theirs after Close.
func TestBuffersOutliveTheRing(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 4, Size: 4})
		a, b := unixPair(t, unix.SOCK_STREAM)
		id := submit(t, r, ops.RecvMulti(a, g, 0))
		write(t, b, "11112222")
		c := next(t, r)
		require.NoError(t, r.Close())
		assert.Equal(t, "1111", string(c.Bytes()))
		var rest []ops.Completion
		for {
			var one [1]ops.Completion
			if n, _ := r.Wait(one[:], 1, ring.Forever); n == 0 {
				break
			}
			rest = append(rest, one[0])
		}
		require.NotEmpty(t, rest)
		last := rest[len(rest)-1]
		assert.Equal(t, id, last.ID)
		assert.ErrorIs(t, last.Err(), ops.ErrClosed)
		c.Release()
		for _, c := range rest {
			if c.N() > 0 {
				assert.Equal(t, "2222", string(c.Bytes()))
			}
			c.Release()
		}
		assert.Zero(t, g.Lent())
	})
}

// In a chain there is no time to wait for a buffer.
func TestSelectInChain(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 1, Size: 4})
		a, b := unixPair(t, unix.SOCK_STREAM)
		write(t, b, "11112222")
		require.NoError(t, r.SubmitAll(ops.HardChain(
			ops.RecvSelect(a, g, 0), ops.RecvSelect(a, g, 0).WithTag("none"), ops.Nop()), nil))
		all := take(t, r, 3)
		assert.Equal(t, "1111", string(all[0].Bytes()))
		explains(t, all[1].Err(), ops.CodeRecv, onFD(a), syscall.ENOBUFS)
		assert.NoError(t, all[2].Err())
		all[0].Release()
		c := next1(t, r, ops.RecvSelect(a, g, 0))
		assert.Equal(t, "2222", string(c.Bytes()))
		c.Release()
	})
}

// A multishot receive that the kernel ended, since completions overflowed, goes on.
// (trap 13)
func TestRecvMultiOverflow(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 1 << 14, Size: 1})
		a, b := unixPair(t, unix.SOCK_STREAM)
		id := submit(t, r, ops.RecvMulti(a, g, 0))
		want := make([]byte, 3*r.Info().CompletionEntries)
		for i := range want {
			want[i] = byte(i)
		}
		join := during(t, func() {
			for at := 0; at < len(want); {
				n, err := unix.Write(b, want[at:])
				if !assert.NoError(t, err) {
					return
				}
				at += n
			}
		})
		join()
		var have []byte
		for len(have) < len(want) {
			c := next(t, r)
			require.NoError(t, c.Err())
			require.True(t, c.More)
			have = append(have, c.Bytes()...)
			c.Release()
		}
		assert.Equal(t, want, have)
		require.NoError(t, r.Cancel(id))
		canceled(t, r, id, ops.CodeRecv, onFD(a))
	})
}
