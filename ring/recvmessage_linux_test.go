package ring_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Datagrams come with their senders, also empty ones and those that are cut.
func TestRecvmsgMultiDatagrams(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		to, port := bound(t, unix.SOCK_DGRAM)
		from, fromPort := bound(t, unix.SOCK_DGRAM)
		g := bufferRing(t, r, ring.BufferConfig{Buffers: 4, Size: 16 + 128 + 10})
		id := start(t, r, ops.RecvmsgMulti(to, g, ops.MessageRoom{Addr: true}, 0))
		for _, text := range []string{"one", "", "exactly 10", "longer than ten"} {
			require.NoError(t, unix.Sendto(from, []byte(text), 0, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
			c := next(t, r)
			require.True(t, c.More)
			m, err := c.Message()
			require.NoError(t, err)
			assert.Equal(t, text[:min(len(text), 10)], string(m.Data))
			assert.Equal(t, len(text) > 10, m.Flags&unix.MSG_TRUNC != 0)
			assert.Empty(t, m.Control)
			assert.Equal(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(fromPort)),
				m.Source(new(ops.Sockaddr)).AddrPort())
			c.Release()
			assert.Panics(t, func() { _, _ = c.Message() })
		}
		require.NoError(t, r.Cancel(id))
		c := next(t, r)
		_, err := c.Message()
		assert.ErrorIs(t, err, ops.ErrCanceled)
		small := bufferRing(t, r, ring.BufferConfig{Buffers: 1, Size: 100})
		id = submit(t, r, ops.RecvmsgMulti(to, small, ops.MessageRoom{Addr: true}, 0))
		require.NoError(t, unix.Sendto(from, []byte("x"), 0, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
		c = next(t, r)
		assert.Equal(t, id, c.ID)
		assert.ErrorIs(t, c.Err(), unix.EFAULT, "no room for the address")
	})
}

// Descriptors come along as ancillary data.
func TestRecvmsgMultiRights(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		a, b := unixPair(t, unix.SOCK_SEQPACKET)
		g := bufferRing(t, r, ring.BufferConfig{})
		id := start(t, r, ops.RecvmsgMulti(a, g, ops.MessageRoom{Control: unix.CmsgSpace(4)}, unix.MSG_CMSG_CLOEXEC))
		sent, err := os.Open("/dev/null")
		require.NoError(t, err)
		require.NoError(t, unix.Sendmsg(b, []byte("take it"), unix.UnixRights(int(sent.Fd())), nil, 0))
		require.NoError(t, sent.Close())
		c := next(t, r)
		m, err := c.Message()
		require.NoError(t, err)
		assert.Equal(t, "take it", string(m.Data))
		assert.Zero(t, m.Source(new(ops.Sockaddr)).Len)
		messages, err := unix.ParseSocketControlMessage(m.Control)
		require.NoError(t, err)
		fds, err := unix.ParseUnixRights(&messages[0])
		require.NoError(t, err)
		own(t, fds[0])
		c.Release()
		require.NoError(t, unix.Shutdown(b, unix.SHUT_WR))
		for c = next(t, r); c.More; c = next(t, r) {
			m, err := c.Message() // the end of a SEQPACKET is an empty message, again and again
			require.NoError(t, err)
			require.Empty(t, m.Data)
			c.Release()
			_ = r.Cancel(id)
		}
		assert.Equal(t, id, c.ID)
		c.Release()
	})
}

func TestMessageOfOthers(t *testing.T) {
	c := ops.Completion{Code: ops.CodeRecv}
	_, err := c.Message()
	assert.ErrorIs(t, err, ops.ErrInvalid)
}
