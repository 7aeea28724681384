//go:build linux

package uring

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
)

// readFixed moves one byte through a pipe into registered buffer slot.
func readFixed(t *testing.T, r *Ring, slot uint16, addr uint64) int32 {
	rd, wr := pipe(t)
	_, _ = unix.Write(int(wr), []byte("z"))
	return do(t, r, SQE{Opcode: OpReadFixed, FD: rd, Addr: addr, Len: 1, Off: ^uint64(0), BufIndex: slot}).Res
}

func TestRegisterBuffers(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	b, addr := target(4096)
	require.ErrorIs(t, r.UnregisterBuffers(), syscall.ENXIO)
	require.NoError(t, r.RegisterBuffers([][]byte{b[:100], b[100:]}))
	require.ErrorIs(t, r.RegisterBuffers([][]byte{b}), syscall.EBUSY)
	assert.EqualValues(t, 1, readFixed(t, r, 0, addr+7))
	assert.Equal(t, byte('z'), b[7])
	assert.EqualValues(t, 1, readFixed(t, r, 1, addr+100))
	assert.EqualValues(t, -int32(syscall.EFAULT), readFixed(t, r, 0, addr+100))
	assert.EqualValues(t, -int32(syscall.EFAULT), readFixed(t, r, 2, addr))
	require.NoError(t, r.UnregisterBuffers())
}

func TestRegisterBuffersSparseUpdateTags(t *testing.T) {
	needsTags(t)
	r := newRing(t, Options{Entries: 8})
	b, addr := target(4096)
	require.NoError(t, r.RegisterBuffersSparse(4))
	assert.EqualValues(t, -int32(syscall.EFAULT), readFixed(t, r, 3, addr))
	n, err := r.UpdateBuffers(2, [][]byte{nil, b}, []uint64{0, 91})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.EqualValues(t, 1, readFixed(t, r, 3, addr))
	_, err = r.UpdateBuffers(3, [][]byte{nil}, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 91, await(t, r).UserData)
	_, err = r.UpdateBuffers(0, [][]byte{b}, make([]uint64, 3))
	assert.ErrorIs(t, err, syscall.EINVAL)
	require.NoError(t, r.UnregisterBuffers())
	require.NoError(t, r.RegisterBuffersTagged([][]byte{b}, []uint64{92}))
	require.NoError(t, r.UnregisterBuffers())
	assert.EqualValues(t, 92, await(t, r).UserData)
}

func TestCloneBuffers(t *testing.T) {
	from, to := newRing(t, Options{Entries: 4}), newRing(t, Options{Entries: 4})
	b, addr := target(4096)
	require.NoError(t, from.RegisterBuffers([][]byte{b}))
	needs(t, "6.12", to.CloneBuffers(from, 0, 0, 0, 0))
	assert.EqualValues(t, 1, readFixed(t, to, 0, addr))
	assert.ErrorIs(t, to.CloneBuffers(from, 0, 0, 0, 0), syscall.EBUSY)
	if !testkit.KernelHas("6.13") { // without the flag there is a table already
		t.Skip("needs Linux 6.13")
	}
	require.NoError(t, to.CloneBuffers(from, 0, 0, 1, RegisterDstReplace))
	require.NoError(t, from.UnregisterBuffers())
	assert.EqualValues(t, 1, readFixed(t, to, 0, addr), "the clone keeps the memory")
}

func TestBufRing(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	for _, n := range []uint32{0, 3, 65536} {
		_, err := r.RegisterBufRing(1, n, 0)
		assert.ErrorIs(t, err, syscall.EINVAL)
	}
	_, err := r.RegisterBufRing(1, 4, PbufMmap)
	assert.ErrorIs(t, err, syscall.EINVAL)
	br, err := r.RegisterBufRing(7, 4, 0)
	needs(t, "5.19", err)
	_, err = r.RegisterBufRing(7, 4, 0)
	require.ErrorIs(t, err, syscall.EEXIST)
	assert.EqualValues(t, 7, br.Group())
	assert.EqualValues(t, 4, br.Entries())
	rd, wr := pipe(t)
	read := SQE{Opcode: OpRead, Flags: SQEFlagBufferSelect, FD: rd, Len: 8, Off: ^uint64(0), BufIndex: 7}
	mem, _ := target(4 * 8)
	for i := range uint16(100) { // around the ring many times, ids all different
		_, _ = unix.Write(int(wr), []byte{byte(i), 1})
		if i%4 == 0 {
			if i == 0 {
				assert.EqualValues(t, -int32(syscall.ENOBUFS), do(t, r, read).Res)
			}
			for k := range uint16(4) {
				br.Add(unsafe.Pointer(&mem[8*k]), 8, 1000+i+k)
			}
			br.Publish()
		}
		c := do(t, r, read)
		require.EqualValues(t, 2, c.Res)
		require.NotZero(t, c.Flags&CQEFlagBuffer)
		require.EqualValues(t, 1000+i, c.Flags>>CQEBufferShift)
		require.Equal(t, byte(i), mem[8*(i%4)])
	}
	assert.EqualValues(t, 100, br.Tail())
	head, err := br.Head()
	needs(t, "6.8", err)
	assert.EqualValues(t, 100, head)
	require.NoError(t, br.Close())
	require.NoError(t, br.Close())
	_, _ = unix.Write(int(wr), []byte{1})
	assert.EqualValues(t, -int32(syscall.ENOBUFS), do(t, r, read).Res)
}
