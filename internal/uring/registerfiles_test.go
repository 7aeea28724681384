//go:build linux

package uring

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pipe returns the two ends of a pipe that closes at the end of the test.
func pipe(t testing.TB) (rd, wr int32) {
	t.Helper()
	var p [2]int
	require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	t.Cleanup(func() { _, _ = unix.Close(p[0]), unix.Close(p[1]) })
	return int32(p[0]), int32(p[1])
}

// target is memory for the kernel to write to: heap, and kept.
func target(n int) ([]byte, uint64) {
	b := make([]byte, n)
	heap = append(heap, b)
	return b, uint64(uintptr(unsafe.Pointer(&b[0])))
}

var heap [][]byte

// readSlot reads one byte through registered file slot.
func readSlot(t *testing.T, r *Ring, slot int32) (byte, int32) {
	b, addr := target(1)
	c := do(t, r, SQE{Opcode: OpRead, Flags: SQEFlagFixedFile, FD: slot, Addr: addr, Len: 1, Off: ^uint64(0)})
	return b[0], c.Res
}

func TestRegisterFiles(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	rd1, wr1 := pipe(t)
	rd2, wr2 := pipe(t)
	_, _ = unix.Write(int(wr1), []byte("aaaa"))
	_, _ = unix.Write(int(wr2), []byte("bbbb"))
	require.ErrorIs(t, r.UnregisterFiles(), syscall.ENXIO)
	require.ErrorIs(t, r.RegisterFiles([]int32{9999}), syscall.EBADF)
	require.NoError(t, r.RegisterFiles([]int32{-1, rd1, rd2}))
	require.ErrorIs(t, r.RegisterFiles([]int32{rd1}), syscall.EBUSY)
	b, n := readSlot(t, r, 1)
	assert.Equal(t, byte('a'), b)
	assert.EqualValues(t, 1, n)
	b, _ = readSlot(t, r, 2)
	assert.Equal(t, byte('b'), b)
	_, n = readSlot(t, r, 0)
	assert.EqualValues(t, -int32(syscall.EBADF), n)

	done, err := r.UpdateFiles(0, []int32{rd2, RegisterFilesSkip, -1})
	require.NoError(t, err)
	assert.Equal(t, 3, done)
	b, _ = readSlot(t, r, 0)
	assert.Equal(t, byte('b'), b)
	b, _ = readSlot(t, r, 1)
	assert.Equal(t, byte('a'), b)
	_, n = readSlot(t, r, 2)
	assert.EqualValues(t, -int32(syscall.EBADF), n)
	require.NoError(t, r.UnregisterFiles())
}

func TestRegisterFilesTagged(t *testing.T) {
	needsTags(t)
	r := newRing(t, Options{Entries: 8})
	rd, wr := pipe(t)
	_, _ = unix.Write(int(wr), []byte("a"))
	require.ErrorIs(t, r.RegisterFilesTagged([]int32{rd}, make([]uint64, 2)), syscall.EINVAL)
	require.NoError(t, r.RegisterFilesTagged([]int32{rd, rd}, []uint64{71, 0}))
	b, _ := readSlot(t, r, 1)
	assert.Equal(t, byte('a'), b)
	n, err := r.UpdateFilesTagged(0, []int32{wr, wr}, []uint64{73, 0})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.EqualValues(t, 71, await(t, r).UserData, "the old file was let go")
	require.NoError(t, r.UnregisterFiles())
	assert.EqualValues(t, 73, await(t, r).UserData)
}

func TestRegisterFilesSparseAndAllocRange(t *testing.T) {
	r := newRing(t, Options{Entries: 8})
	needs(t, "5.19", r.RegisterFilesSparse(8))
	needs(t, "6.0", r.RegisterFileAllocRange(4, 2))
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(name, []byte("x"), 0o600))
	path, addr := target(len(name) + 1)
	copy(path, name)
	open := SQE{Opcode: OpOpenat, FD: unix.AT_FDCWD, Addr: addr, FileIndex: FileIndexAlloc}
	assert.EqualValues(t, 4, do(t, r, open).Res)
	assert.EqualValues(t, 5, do(t, r, open).Res)
	assert.EqualValues(t, -int32(syscall.ENFILE), do(t, r, open).Res)
	b, _ := readSlot(t, r, 5)
	assert.Equal(t, byte('x'), b)
	assert.Error(t, r.RegisterFileAllocRange(7, 2))
}
