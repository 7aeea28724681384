package readiness

import (
	"math"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluicego/sluice/ops"
)

func TestConstructors(t *testing.T) {
	for name, c := range map[string]struct{ got, want ops.Request }{
		"once":   {Once(3, In|RdHup), ops.Request{Code: ops.CodePoll, FD: 3, Flags: 0x2001}},
		"edge":   {Edge(3, Out), ops.Request{Code: ops.CodePoll, FD: 3, Flags: 4, Mode: ops.Multishot}},
		"level":  {Level(3, Pri), ops.Request{Code: ops.CodePoll, FD: 3, Flags: 2, Mode: ops.Multishot | ops.Level}},
		"none":   {Once(3, 0), ops.Request{Code: ops.CodePoll, FD: 3}},
		"bad fd": {Once(-3, In), ops.Request{Code: ops.CodePoll, FD: -1, Flags: 1}},
		"big fd": {Once(math.MaxInt, In), ops.Request{Code: ops.CodePoll, FD: Once(math.MaxInt, In).FD, Flags: 1}},
		"change": {Change(1<<63+5, In), ops.Request{Code: ops.CodePollUpdate, FD: -1, Offset: -1<<63 + 5, Flags: 1}},
	} {
		assert.Equal(t, c.want, c.got, name)
		assert.NoError(t, c.got.Validate(), name)
	}
	for _, r := range []ops.Request{Change(0, In), Once(3, In|1<<31), Edge(3, 1<<30), Change(1, 1<<28)} {
		assert.ErrorIs(t, r.Validate(), ops.ErrInvalid)
	}
}

func TestEvents(t *testing.T) {
	assert.Equal(t, "none", Events(0).String())
	assert.Equal(t, "In|Out|Hup", (Hup | In | Out).String())
	assert.Equal(t, "Pri|Err|Nval|RdNorm|RdBand|RdHup", (Pri | Err | Nval | RdNorm | RdBand | RdHup).String())
	assert.Equal(t, "In|0x100", (In | 0x100).String())
	assert.True(t, (In | Hup).Has(Hup|Err))
	assert.False(t, In.Has(Out))
}

func TestOf(t *testing.T) {
	assert.Equal(t, In|Hup, Of(&ops.Completion{Code: ops.CodePoll, Res: 0x11}))
	assert.Zero(t, Of(&ops.Completion{Code: ops.CodePoll, Res: -int32(syscall.EBADF)}))
	assert.Zero(t, Of(&ops.Completion{Code: ops.CodeRead, Res: 0x11}))
}

func TestNoAllocations(t *testing.T) {
	var r ops.Request
	var err error
	assert.Zero(t, testing.AllocsPerRun(10, func() { r = Level(3, In); err = r.Validate() }))
	assert.NoError(t, err)
}
