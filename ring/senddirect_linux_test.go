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

// A direct descriptor goes from one Ring to another, which is told of it by a post.
func TestSendDirect(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r, to := newRing(ring.Config{}), newRing(ring.Config{DirectFiles: 1})
		rd, wr := pipe(t)
		d := direct(t, r, ops.Register(wr))
		require.NoError(t, unix.Close(wr))
		there, err := r.SendDirect(t.Context(), d, to)
		require.NoError(t, err)
		_, err = to.Post(there, ops.Normal)
		require.NoError(t, err)
		got := next(t, to).Tag.(ops.Direct)
		do(t, r, ops.Close(d.FD()))
		do(t, to, ops.Write(got.FD(), []byte("hi"), ops.Current))
		buf := make([]byte, 3)
		n, err := unix.Read(rd, buf)
		require.NoError(t, err)
		assert.Equal(t, "hi", string(buf[:n]))

		_, err = r.SendDirect(t.Context(), d, to)
		explains(t, err, ops.CodeSendDirect, "direct 0", syscall.EBADF)
		d = direct(t, r, ops.Register(rd))
		_, err = r.SendDirect(t.Context(), d, to)
		explains(t, err, ops.CodeSendDirect, "direct 0", ops.ErrNoDirect)
		do(t, to, ops.Close(got.FD()))
		n, err = unix.Read(rd, buf)
		require.NoError(t, err)
		assert.Zero(t, n, "nobody holds the write end")
	})
}

func TestSendDirectErrors(t *testing.T) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		r, to := newRing(ring.Config{}), newRing(ring.Config{})
		d := direct(t, r, ops.Register(0))
		_, err := r.SendDirect(t.Context(), d, r)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		_, err = r.SendDirect(t.Context(), ops.Direct{}, to)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		require.NoError(t, to.Close())
		_, err = r.SendDirect(t.Context(), d, to)
		assert.ErrorIs(t, err, ops.ErrClosed)
	})
}
