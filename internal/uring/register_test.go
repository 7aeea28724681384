//go:build linux

package uring

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
)

func TestEventFD(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, r.RegisterEventFD(int32(fd), false))
	require.ErrorIs(t, r.RegisterEventFD(int32(fd), false), syscall.EBUSY)
	do(t, r, SQE{Opcode: OpNop})
	do(t, r, SQE{Opcode: OpNop})
	b := make([]byte, 8)
	_, err = unix.Read(fd, b)
	require.NoError(t, err)
	assert.EqualValues(t, 2, binary.NativeEndian.Uint64(b))
	require.NoError(t, r.UnregisterEventFD())
	require.ErrorIs(t, r.UnregisterEventFD(), syscall.ENXIO)
	require.NoError(t, r.RegisterEventFD(int32(fd), true))
	do(t, r, SQE{Opcode: OpNop})
	_, err = unix.Read(fd, b)
	assert.ErrorIs(t, err, syscall.EAGAIN, "a nop ends while it is being submitted")
}

func TestPersonality(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	id, err := r.RegisterPersonality()
	require.NoError(t, err)
	require.NotZero(t, id)
	rd, wr := pipe(t)
	_, _ = unix.Write(int(wr), []byte("a"))
	poll := SQE{Opcode: OpPollAdd, FD: rd, OpFlags: unix.POLLIN, Personality: id}
	assert.EqualValues(t, unix.POLLIN, do(t, r, poll).Res)
	require.NoError(t, r.UnregisterPersonality(id))
	assert.EqualValues(t, -int32(syscall.EINVAL), do(t, r, poll).Res)
	assert.ErrorIs(t, r.UnregisterPersonality(id), syscall.EINVAL)
}

func TestIOWQ(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	_, _, err := r.RegisterIOWQMaxWorkers(3, 5)
	needs(t, "5.15", err)
	bound, unbound, err := r.RegisterIOWQMaxWorkers(0, 0)
	require.NoError(t, err)
	assert.EqualValues(t, 3, bound)
	assert.EqualValues(t, 5, unbound)
	onOwnThread(func() {
		r := newRing(t, Options{Entries: 4})
		var set unix.CPUSet
		set.Set(0)
		require.NoError(t, r.RegisterIOWQAff(&set))
		roundTripOne(t, r)
		assert.NoError(t, r.UnregisterIOWQAff())
	})
}

func TestRestrictions(t *testing.T) {
	r := newRing(t, Options{Entries: 4, Disabled: true})
	_, err := r.Enter(0, 0, 0, -1, 0)
	assert.ErrorIs(t, err, syscall.EBADFD)
	require.NoError(t, r.RegisterRestrictions([]Restriction{
		{Kind: RestrictionSQEOp, Arg: OpNop},
		{Kind: RestrictionRegisterOp, Arg: RegisterEnableRings},
	}))
	require.NoError(t, r.EnableRings())
	assert.ErrorIs(t, r.EnableRings(), syscall.EBADFD)
	roundTripOne(t, r)
	assert.EqualValues(t, -int32(syscall.EACCES), do(t, r, SQE{Opcode: OpTimeout}).Res)
	_, err = r.Probe()
	assert.ErrorIs(t, err, syscall.EACCES)
}

func TestSyncCancel(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	_, err := r.SyncCancel(5, -1, 0, 0, time.Second)
	if !errors.Is(err, syscall.ENOENT) {
		needs(t, "6.0", err)
	}
	rd, _ := pipe(t)
	push(t, r, SQE{Opcode: OpPollAdd, FD: rd, OpFlags: unix.POLLIN, UserData: 5})
	submit(t, r, 0)
	_, err = r.SyncCancel(5, -1, 0, 0, time.Second)
	require.NoError(t, err)
	c := await(t, r)
	assert.EqualValues(t, 5, c.UserData)
	assert.EqualValues(t, -int32(syscall.ECANCELED), c.Res)

	push(t, r, SQE{Opcode: OpPollAdd, FD: rd, OpFlags: unix.POLLIN, UserData: 6})
	push(t, r, SQE{Opcode: OpPollAdd, FD: rd, OpFlags: unix.POLLIN, UserData: 7})
	submit(t, r, 0)
	n, err := r.SyncCancel(0, rd, CancelFD|CancelAll, 0, -1)
	require.NoError(t, err)
	t.Logf("found %d", n)
	assert.EqualValues(t, 13, await(t, r).UserData+await(t, r).UserData)
}

func TestClock(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	needs(t, "6.12", r.RegisterClock(unix.CLOCK_BOOTTIME))
	start := time.Now()
	_, err := r.Enter(0, 1, 0, 10*time.Millisecond, 0)
	if err != ErrInterrupted {
		assert.Equal(t, ErrTimeout, err)
		assert.GreaterOrEqual(t, time.Since(start), 10*time.Millisecond)
	}
	assert.ErrorIs(t, r.RegisterClock(unix.CLOCK_REALTIME), syscall.EINVAL)
}

func TestNAPI(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	was, err := r.RegisterNAPI(NAPI{BusyPoll: 50})
	if errors.Is(err, syscall.EINVAL) {
		t.Skip("kernel without busy polling: ", err)
	}
	require.NoError(t, err)
	assert.Zero(t, was.BusyPoll)
	was, err = r.UnregisterNAPI()
	require.NoError(t, err)
	assert.EqualValues(t, 50, was.BusyPoll)
}

func TestResize(t *testing.T) {
	for _, o := range []Options{{}, {HideFeatures: FeatSingleMmap}} {
		o.Entries, o.CQEntries = 4, 8
		pinned(t, o, func(r *Ring) {
			for i := range uint64(3) {
				push(t, r, SQE{Opcode: OpNop, UserData: i})
			}
			submit(t, r, 3)
			push(t, r, SQE{Opcode: OpNop, UserData: 3}) // staged, not submitted
			err := r.Resize(64, 256)
			if errors.Is(err, syscall.EINVAL) && !testkit.KernelHas("6.13") {
				t.Skip(err)
			}
			require.NoError(t, err)
			assert.EqualValues(t, 64, r.SQ.Entries())
			assert.EqualValues(t, 256, r.CQ.Entries())
			assert.EqualValues(t, 1, r.SQ.Unsubmitted())
			submit(t, r, 4)
			for i := range uint64(4) {
				assert.Equal(t, i, await(t, r).UserData)
			}
			require.NoError(t, r.Resize(2, 4))
			assert.EqualValues(t, 2, r.SQ.Entries())
			assert.EqualValues(t, 4, r.CQ.Entries())
			assert.EqualValues(t, 2, r.SQ.Space())
			for range 20 {
				roundTripOne(t, r)
			}
			assert.ErrorIs(t, r.Resize(0, 0), syscall.EINVAL)
		})
	}
	assert.ErrorIs(t, newRing(t, Options{Entries: 4}).Resize(8, 16), syscall.EINVAL, "needs DEFER_TASKRUN")
	pinned(t, Options{Entries: 4, Forbid: SetupNoSQArray}, func(r *Ring) {
		assert.ErrorIs(t, r.Resize(8, 16), syscall.EINVAL, "the kernel would lose the index array")
		roundTripOne(t, r)
	})
}

func TestSendMsgRing(t *testing.T) {
	r := newRing(t, Options{Entries: 4})
	err := SendMsgRing(&SQE{Opcode: OpMsgRing, FD: int32(r.FD()), Len: 77, Off: 88})
	needs(t, "6.13", err)
	assert.Equal(t, CQE{UserData: 88, Res: 77}, await(t, r))
	assert.ErrorIs(t, SendMsgRing(&SQE{Opcode: OpNop}), syscall.EINVAL)
	assert.ErrorIs(t, SendMsgRing(&SQE{Opcode: OpMsgRing, FD: 0}), syscall.EBADFD)
}
