//go:build linux

package uring

import (
	"errors"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/testkit"
)

// Sizes and offsets as linux/io_uring.h has them.
func TestLayout(t *testing.T) {
	var e SQE
	for i, c := range []struct{ have, want uintptr }{
		{unsafe.Sizeof(SQE{}), 64}, {unsafe.Sizeof(CQE{}), 16}, {unsafe.Sizeof(params{}), 120},
		{unsafe.Sizeof(sqOffsets{}), 40}, {unsafe.Sizeof(cqOffsets{}), 40},
		{unsafe.Sizeof(geteventsArg{}), 24}, {unsafe.Sizeof(timespec{}), 16},
		{unsafe.Sizeof(rsrcUpdate{}), 16}, {unsafe.Sizeof(rsrcUpdate2{}), 32}, {unsafe.Sizeof(rsrcRegister{}), 32},
		{unsafe.Sizeof(fileRange{}), 16}, {unsafe.Sizeof(cloneBuffers{}), 32}, {unsafe.Sizeof(syncCancel{}), 64},
		{unsafe.Sizeof(Restriction{}), 16}, {unsafe.Sizeof(NAPI{}), 16}, {unsafe.Sizeof(bufEntry{}), 16},
		{unsafe.Sizeof(bufReg{}), 40}, {unsafe.Sizeof(bufStatus{}), 40}, {unsafe.Sizeof(probeOp{}), 8},
		{unsafe.Sizeof(queryHeader{}), 40}, {unsafe.Sizeof(Support{}), 48},
		{unsafe.Offsetof(probeHeader{}.ops), 16}, {unsafe.Offsetof(bufEntry{}.resv), 14},
		{unsafe.Offsetof(e.Opcode), 0}, {unsafe.Offsetof(e.Flags), 1}, {unsafe.Offsetof(e.Ioprio), 2},
		{unsafe.Offsetof(e.FD), 4}, {unsafe.Offsetof(e.Off), 8}, {unsafe.Offsetof(e.Addr), 16},
		{unsafe.Offsetof(e.Len), 24}, {unsafe.Offsetof(e.OpFlags), 28}, {unsafe.Offsetof(e.UserData), 32},
		{unsafe.Offsetof(e.BufIndex), 40}, {unsafe.Offsetof(e.Personality), 42},
		{unsafe.Offsetof(e.FileIndex), 44}, {unsafe.Offsetof(e.Addr3), 48}, {unsafe.Offsetof(e.Pad2), 56},
		{unsafe.Offsetof(CQE{}.Res), 8}, {unsafe.Offsetof(CQE{}.Flags), 12},
		{unsafe.Offsetof(params{}.features), 20}, {unsafe.Offsetof(params{}.sqOff), 40},
		{unsafe.Offsetof(params{}.cqOff), 80}, {unsafe.Offsetof(syncCancel{}.timeout), 16},
		{unsafe.Offsetof(geteventsArg{}.ts), 16}, {unsafe.Offsetof(Restriction{}.Arg), 2},
	} {
		assert.Equal(t, c.want, c.have, "line %d", i)
	}
}

// Numbers from the header that a slip in the table would change.
func TestAnchors(t *testing.T) {
	for want, have := range map[Op]Op{
		0: OpNop, 11: OpTimeout, 22: OpRead, 33: OpTee, 40: OpMsgRing, 47: OpSendZC, 50: OpWaitid,
		54: OpFixedFDInstall, 57: OpListen, 62: OpPipe, 64: OpUringCmd128,
	} {
		assert.Equal(t, want, have)
	}
	for want, have := range map[int]int{
		1 << 13: SetupDeferTaskRun, 1 << 16: SetupNoSQArray, 1 << 20: SetupSQRewind,
		0x10000000: OffSQEs, 0x8000000: OffCQRing, 1 << 15: FeatMinTimeout, 1 << 8: FeatExtArg,
	} {
		assert.Equal(t, want, have)
	}
	assert.Equal(t, 35, RegisterQuery)
	assert.Equal(t, 31, RegisterSendMsgRing)
	assert.Equal(t, 22, RegisterPbufRing)
	assert.Equal(t, ^uint32(0), uint32(FileIndexAlloc))
}

// The table and the running kernel agree: what the release has, the probe lists.
// Only mainline kernels can prove it; backports may have more.
func TestProbeAgreesWithTable(t *testing.T) {
	p, err := newRing(t, Options{Entries: 1}).Probe()
	require.NoError(t, err)
	for op := range OpLast + 1 {
		if testkit.KernelHas(OpSince(op)) {
			assert.GreaterOrEqual(t, p.Last(), op, "%s is older than this kernel", OpName(op))
			if op != OpRecvZC && op != OpEpollWait && op != OpEpollCtl { // need options of the kernel
				assert.True(t, p.Has(op), "%s is said to be there since %s", OpName(op), OpSince(op))
			}
		} else if p.Has(op) {
			t.Logf("%s is here before Linux %s", OpName(op), OpSince(op))
		}
	}
	assert.False(t, p.Has(255))
}

func TestProbeLies(t *testing.T) {
	p, err := newRing(t, Options{Entries: 1}).Probe()
	require.NoError(t, err)
	require.True(t, p.Has(OpRead))
	p.Deny(OpRead)
	assert.True(t, p.Denied(OpRead))
	assert.False(t, p.Has(OpRead))
	assert.True(t, p.Has(OpWrite))
	assert.False(t, p.Denied(OpWrite))
}

func TestQueryAgreesWithSetup(t *testing.T) {
	s, err := Query()
	if errors.Is(err, syscall.EINVAL) && !testkit.KernelHas("6.18") {
		t.Skip(err)
	}
	require.NoError(t, err)
	r := newRing(t, Options{Entries: 1})
	p, err := r.Probe()
	require.NoError(t, err)
	assert.EqualValues(t, p.Last()+1, s.Ops)
	assert.EqualValues(t, r.Features(), s.Features)
	assert.EqualValues(t, r.Flags(), uint64(r.Flags())&s.Setup)
	for _, f := range setupNames {
		assert.Equal(t, testkit.KernelHas(f.since), s.Setup&uint64(f.bit) != 0, f.name)
	}
	for _, f := range featNames {
		assert.Equal(t, testkit.KernelHas(f.since), s.Features&uint64(f.bit) != 0, f.name)
	}
	assert.Greater(t, s.RegisterOps, uint32(RegisterQuery))
	t.Logf("%+v", s)
}
