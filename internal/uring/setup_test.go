//go:build linux

package uring

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
)

// paths are the ways a ring can come out of Setup, as older kernels force them.
var paths = map[string]Options{
	"best":              {},
	"cqsize":            {CQEntries: 64},
	"two maps":          {HideFeatures: FeatSingleMmap},
	"index array":       {Forbid: SetupNoSQArray},
	"array, two maps":   {Forbid: SetupNoSQArray, HideFeatures: FeatSingleMmap},
	"no clamp":          {Forbid: SetupClamp},
	"no submit all":     {Forbid: SetupSubmitAll},
	"plain":             {Forbid: math.MaxUint32, HideFeatures: FeatSingleMmap},
	"no min timeout":    {HideFeatures: FeatMinTimeout | FeatNoIOWait},
	"pinned":            {Pinned: true},
	"pinned, no defer":  {Pinned: true, Forbid: SetupDeferTaskRun},
	"pinned, no single": {Pinned: true, Forbid: SetupSingleIssuer},
	"pinned, plain":     {Pinned: true, Forbid: math.MaxUint32},
}

func TestSetupPaths(t *testing.T) {
	for name, o := range paths {
		t.Run(name, func(t *testing.T) {
			onOwnThread(func() {
				o.Entries = 8
				r, err := Setup(o)
				require.NoError(t, err)
				defer r.Close()
				t.Logf("flags %s, features %s", SetupNames(r.Flags()), FeatureNames(r.Features()))
				assert.Zero(t, r.Flags()&o.Forbid)
				assert.Zero(t, r.Flags()&SetupCoopTaskRun, "trap 3")
				assert.Zero(t, r.Features()&o.HideFeatures)
				assert.Equal(t, o.HideFeatures&FeatSingleMmap != 0, r.m.cq != nil)
				roundTrip(t, r)
			})
		})
	}
}

// roundTrip sends numbered nops around both queues until the indices have
// passed every entry several times.
func roundTrip(t *testing.T, r *Ring) {
	serial, seen := uint64(0), uint64(0)
	for round := range 200 {
		for range round%8 + 1 {
			push(t, r, SQE{Opcode: OpNop, UserData: serial})
			serial++
		}
		submit(t, r, uint32(round%8+1))
		for i := range r.CQ.Ready() {
			c := r.CQ.At(i)
			require.Equal(t, seen, c.UserData)
			require.Zero(t, c.Res)
			seen++
		}
		r.CQ.Advance(r.CQ.Ready())
	}
	assert.Equal(t, serial, seen)
	assert.Zero(t, r.SQ.Dropped())
	assert.Zero(t, r.CQ.Overflow())
}

func TestSetupPinnedFlags(t *testing.T) {
	pinned(t, Options{Entries: 4}, func(r *Ring) {
		if testkit.KernelHas("6.1") {
			const want = SetupSingleIssuer | SetupDeferTaskRun | SetupTaskRunFlag
			assert.EqualValues(t, want, r.Flags()&want)
		}
	})
	shared := newRing(t, Options{Entries: 4})
	assert.Zero(t, shared.Flags()&(SetupSingleIssuer|SetupDeferTaskRun|SetupCoopTaskRun|SetupSQPoll))
}

// An older kernel refuses flags one release at a time: what is left after each
// refusal is what that release has.
func TestSetupFallbackOrder(t *testing.T) {
	o := Options{Entries: 1, CQEntries: 2, Pinned: true}
	flags, names := o.flags(), []string{}
	for ok := true; ok; flags, ok = plainer(flags) {
		names = append(names, SetupNames(flags))
	}
	assert.Equal(t, []string{
		"CQSIZE|CLAMP|SUBMIT_ALL|TASKRUN_FLAG|SINGLE_ISSUER|DEFER_TASKRUN|NO_SQARRAY",
		"CQSIZE|CLAMP|SUBMIT_ALL|TASKRUN_FLAG|SINGLE_ISSUER|DEFER_TASKRUN",
		"CQSIZE|CLAMP|SUBMIT_ALL|SINGLE_ISSUER",
		"CQSIZE|CLAMP|SUBMIT_ALL", "CQSIZE|CLAMP", "CQSIZE", "",
	}, names)
}

func TestSetupSizes(t *testing.T) {
	for _, c := range []struct{ entries, cq, wantSQ, wantCQ uint32 }{
		{1, 0, 1, 2}, {5, 0, 8, 16}, {8, 9, 8, 16}, {64, 64, 64, 64}, {1, 4096, 1, 4096},
	} {
		r := newRing(t, Options{Entries: c.entries, CQEntries: c.cq})
		assert.Equal(t, c.wantSQ, r.SQ.Entries())
		assert.Equal(t, c.wantCQ, r.CQ.Entries())
	}
}

func TestSetupAbsurdSizes(t *testing.T) {
	for _, o := range []Options{{}, {CQEntries: 8}, {Entries: 64, CQEntries: 32}} {
		_, err := Setup(o)
		require.ErrorIs(t, err, syscall.EINVAL)
		assert.NotErrorIs(t, err, ErrUnavailable)
	}
	for _, o := range []Options{{Entries: math.MaxUint32}, {Entries: 1 << 31, CQEntries: math.MaxUint32},
		{Entries: math.MaxUint32, Forbid: SetupClamp}} {
		r := newRing(t, o)
		assert.EqualValues(t, 32768, r.SQ.Entries())
		assert.EqualValues(t, 65536, r.CQ.Entries())
	}
}

func TestSetupNeedsFeatures(t *testing.T) {
	for bit, since := range map[uint32]string{FeatNoDrop: "5.5", FeatSubmitStable: "5.5",
		FeatRWCurPos: "5.6", FeatFastPoll: "5.7", FeatExtArg: "5.11", FeatExtArg | FeatNoDrop: "5.11"} {
		before := len(ringFDs("self"))
		_, err := Setup(Options{Entries: 1, HideFeatures: bit})
		require.ErrorIs(t, err, ErrUnavailable)
		assert.ErrorContains(t, err, FeatureNames(bit))
		assert.ErrorContains(t, err, "Linux "+since)
		assert.Len(t, ringFDs("self"), before)
	}
}

// trap 40
func TestSetupOutOfDescriptors(t *testing.T) {
	err := setupError("io_uring_setup(8)", syscall.EMFILE)
	require.ErrorIs(t, err, syscall.EMFILE)
	assert.NotErrorIs(t, err, ErrUnavailable)
	assert.ErrorContains(t, err, "RLIMIT_NOFILE")
	assert.ErrorContains(t, setupError("x", syscall.ENOMEM), "RLIMIT_MEMLOCK")
	assert.ErrorContains(t, setupError("x", syscall.ENFILE), "fs.file-max")
}

// trap 12
func TestForkedChildrenShareNothing(t *testing.T) {
	r := newRing(t, Options{Entries: 4, HideFeatures: FeatSingleMmap})
	flags, err := unix.FcntlInt(uintptr(r.FD()), unix.F_GETFD, 0)
	require.NoError(t, err)
	assert.Equal(t, unix.FD_CLOEXEC, flags&unix.FD_CLOEXEC)
	out, err := execOutput("/bin/ls", "-l", "/proc/self/fd")
	require.NoError(t, err)
	assert.NotContains(t, out, "io_uring")

	smaps, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	rings := 0
	for _, part := range regexp.MustCompile(`(?m)^[0-9a-f]+-[0-9a-f]+ `).Split(string(smaps), -1) {
		if strings.Contains(part, "[io_uring]") {
			assert.Regexp(t, `VmFlags:.* dc`, part)
			rings++
		}
	}
	assert.Equal(t, 3, rings)
}

func TestCloseTwiceAndConcurrently(t *testing.T) {
	r, err := Setup(Options{Entries: 4})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, _ = r.Probe()
			assert.NoError(t, r.Close())
		})
	}
	wg.Wait()
	require.NoError(t, r.Close())
	assert.Equal(t, -1, r.FD())
	assert.Nil(t, r.SQ.Next())
	assert.Nil(t, r.CQ.Peek())
	assert.Zero(t, r.SQ.Entries()+r.SQ.Space()+r.SQ.Publish()+r.SQ.Unsubmitted()+r.CQ.Ready()+r.CQ.Entries())
	_, err = r.Enter(0, 1, 0, -1, 0)
	assert.ErrorIs(t, err, ErrClosed)
	_, err = r.EnterPlain(0, 0, 0)
	assert.ErrorIs(t, err, ErrClosed)
	_, err = r.Probe()
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, r.RegisterRingFD(), ErrClosed)
	assert.NoError(t, r.UnregisterRingFD())
	assert.ErrorIs(t, r.Resize(8, 8), ErrClosed)
}

func TestNames(t *testing.T) {
	assert.Equal(t, "URING_CMD128", OpName(OpLast))
	assert.Equal(t, "6.19", OpSince(OpLast))
	assert.Equal(t, "op 200", OpName(200))
	assert.Empty(t, OpSince(200))
	assert.Equal(t, "CLAMP|0x80000000", SetupNames(SetupClamp|1<<31))
	for op := range OpLast + 1 {
		assert.NotEmpty(t, OpName(op), fmt.Sprint(op))
	}
}
