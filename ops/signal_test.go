package ops

import (
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSignalSets(t *testing.T) {
	s := SignalsOf(15, 1, 64, 0, -3, 65)
	assert.Equal(t, SignalSet(1|1<<14|1<<63), s)
	assert.Equal(t, []syscall.Signal{1, 15, 64}, slices.Collect(s.All))
	for range s.All {
		break
	}
	assert.True(t, s.Has(64))
	assert.False(t, s.Has(2))
	assert.False(t, s.Has(0))
	assert.Equal(t, "none", SignalSet(0).String())
	assert.Equal(t, "SIGRTMIN|SIGRTMIN+30", SignalsOf(34, 64).String())
	assert.Equal(t, "signal 32", SignalName(32))
	assert.Equal(t, "signal -1", SignalName(-1))
}

func TestSignalInfoSaysWhereItCameFrom(t *testing.T) {
	for want, i := range map[string]SignalInfo{
		"SIGRTMIN from pid 5, uid 6":          {Signo: 34, Pid: 5, UID: 6},
		"SIGRTMIN from pid 5, uid 6, value 7": {Signo: 34, Code: -1, Pid: 5, UID: 6, Value: 7},
		"SIGRTMIN from timer 3":               {Signo: 34, Code: -2, Timer: 3},
		"SIGRTMIN from the kernel":            {Signo: 34, Code: 0x80},
		"SIGRTMIN about fd 9":                 {Signo: 34, Code: 1, FD: 9, Band: 65},
		"SIGRTMIN: 4 lost":                    {Signo: 34, Lost: 4},
	} {
		assert.Equal(t, want, i.String())
	}
	assert.Equal(t, -1, (&SignalInfo{Value: 1<<32 - 1}).Int())
}

func TestSignalRequestsByHand(t *testing.T) {
	for name, r := range map[string]Request{
		"no set":          {Code: CodeSignal},
		"empty set":       {Code: CodeSignal, Arg: SignalSet(0)},
		"flags":           {Code: CodeSignal, Arg: SignalsOf(1), Flags: 2},
		"linked":          {Code: CodeSignal, Arg: SignalsOf(1), Mode: Multishot, Link: Soft},
		"no child":        {Code: CodeChild, FD: 3},
		"nil child":       {Code: CodeChild, FD: 3, Arg: (*ChildTarget)(nil)},
		"unnamed child":   {Code: CodeChild, FD: -1, Arg: &ChildTarget{}},
		"any child":       {Code: CodeChild, FD: -1, Arg: &ChildTarget{Pid: -1}},
		"child's flags":   {Code: CodeChild, FD: 3, Arg: &ChildTarget{}, Flags: 1},
		"child multishot": {Code: CodeChild, FD: 3, Arg: &ChildTarget{}, Mode: Multishot},
		"no target":       {Code: CodeKill},
		"nil target":      {Code: CodeKill, Arg: (*SignalSend)(nil)},
		"signal 65":       {Code: CodeKill, Arg: &SignalSend{Sig: 65}},
		"unknown way":     {Code: CodeKill, Arg: &SignalSend{How: 9}},
	} {
		assert.ErrorIs(t, r.Validate(), ErrInvalid, name)
	}
	for _, r := range []Request{
		{Code: CodeSignal, Arg: SignalsOf(1), Mode: Multishot, Flags: SignalPassOn},
		{Code: CodeChild, FD: 3, Arg: &ChildTarget{}, Flags: ChildLeave},
		{Code: CodeKill, Arg: &SignalSend{Pid: 1}},
	} {
		assert.NoError(t, r.Validate())
	}
}

func TestSignalErrors(t *testing.T) {
	lost := Completion{Code: CodeSignal, Res: -int32(syscall.EOVERFLOW), Arg: &SignalInfo{Signo: 34, Lost: 2}}
	assert.ErrorIs(t, lost.Err(), ErrSignalsLost)
	assert.ErrorIs(t, lost.Err(), syscall.EOVERFLOW)
	assert.EqualError(t, lost.Err(), "signal watch SIGRTMIN: 2 lost: signals lost at RLIMIT_SIGPENDING")
	kill := Completion{Code: CodeKill, Res: -int32(syscall.ESRCH), Arg: &SignalSend{Pid: 5, Sig: 34}}
	assert.EqualError(t, kill.Err(), "send signal SIGRTMIN to pid 5: no such process")
	thread := &SignalSend{How: SendThread, Pid: 5, Tid: 6, Sig: 34}
	assert.Equal(t, "SIGRTMIN to thread 6 of pid 5", thread.String())
	assert.Equal(t, "SIGRTMIN to pidfd 7", (&SignalSend{How: SendFDValue, FD: 7, Sig: 34}).String())
}
