package ops

import (
	"math"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type testGroup uint16

func (g testGroup) GroupID() uint16 { return uint16(g) }

// lender notes what comes back.
type lender struct {
	mu    sync.Mutex
	loans []*Loan
	fixed []*FixedMemory
}

func (l *lender) TakeBack(loan *Loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loans = append(l.loans, loan)
}

type fixedLender struct{ l *lender }

func (f fixedLender) TakeBack(m *FixedMemory) { f.l.fixed = append(f.l.fixed, m) }

func TestDirectNumbers(t *testing.T) {
	for _, i := range []int{0, 1, 5, maxDirect - 1} {
		d := DirectAt(i)
		assert.True(t, d.Valid())
		assert.Equal(t, i, d.Index())
		assert.Less(t, d.FD(), -1<<30)
		assert.Equal(t, int(fd32(d.FD())), d.FD())
		assert.Equal(t, d, DirectOf(d.FD()))
	}
	for _, fd := range []int{0, -1, -100, 7, math.MaxInt32, directEnd, -1 << 30} {
		assert.False(t, DirectOf(fd).Valid(), fd)
	}
	for _, d := range []Direct{{}, DirectAt(-1), DirectAt(maxDirect)} {
		assert.False(t, d.Valid())
		assert.Equal(t, -1, d.FD())
		assert.Equal(t, -1, d.Index())
		assert.Equal(t, "no direct descriptor", d.String())
	}
	c := Completion{Code: CodeRead, Target: int32(DirectAt(5).FD()), Res: -int32(syscall.EIO)}
	assert.EqualError(t, c.Err(), "read direct 5: input/output error")
}

func TestDirectResults(t *testing.T) {
	c := Completion{Code: CodeAccept, Res: 3, Flags: FlagDirect}
	assert.Equal(t, DirectAt(3), c.Direct())
	assert.Equal(t, -1, c.FD())
	c.Flags = 0
	assert.False(t, c.Direct().Valid())
	assert.Equal(t, 3, c.FD())
	c = Completion{Code: CodeAccept, Res: -int32(syscall.ENFILE), Flags: FlagDirect, Target: 4}
	assert.False(t, c.Direct().Valid())
	assert.ErrorIs(t, c.Err(), ErrNoDirect)
	assert.ErrorIs(t, c.Err(), syscall.ENFILE)
	c.Flags = 0
	assert.NotErrorIs(t, c.Err(), ErrNoDirect)
}

// Requests that were not made whole by their constructor are refused.
func TestManagedRefusals(t *testing.T) {
	mem := NewFixedMemory(make([]byte, 100), 3, fixedLender{new(lender)})
	b := mem.Lend(50)
	good := map[string]Request{
		"open":      Open("/", 0, 0).IntoDirect(),
		"accept":    AcceptMulti(3, 0).IntoDirect().WithPollFirst(),
		"register":  Register(3),
		"send":      {Code: CodeSendDirect, Mode: Managed, FD: int32(DirectAt(3).FD()), FD2: 4},
		"file":      ReadFile("/a", nil),
		"recv":      RecvMulti(3, testGroup(7), 0),
		"read":      ReadSelect(3, testGroup(7), 0),
		"multi":     ReadMulti(3, testGroup(7)),
		"recvmsg":   RecvmsgMulti(3, testGroup(7), MessageRoom{Addr: true}, 0),
		"fixed":     ReadFixed(3, b, 0),
		"vectors":   WritevFixed(3, []Fixed{b.Slice(0, 3)}, Current),
		"zc":        SendZC(3, nil, 0),
		"zc fixed":  SendZCFixed(3, b, 0),
		"zc msg":    SendmsgZC(3, NewMsg(), 0),
		"priority":  ReadFile("/a", nil).WithPriority(High).WithTimeout(1),
		"otherwise": Register(3).WithPersonality(9),
	}
	for name, r := range good {
		require.NoError(t, r.Validate(), name)
		assert.Zero(t, testing.AllocsPerRun(10, func() { _ = r.Validate() }), name)
		for what, change := range map[string]func(*Request){
			"mode":      func(r *Request) { r.Mode |= Level },
			"unmanaged": func(r *Request) { r.Mode &^= Managed },
			"index":     func(r *Request) { r.Index++ },
			"priority":  func(r *Request) { r.Priority = 99 },
			"argument":  func(r *Request) { r.Arg = 7 },
		} {
			bad := r
			change(&bad)
			if what == "argument" && (name == "open" || name == "send") || what == "unmanaged" && (name == "open" || name == "accept") {
				continue // it has none, and may be plain
			}
			assert.ErrorIs(t, bad.Validate(), ErrInvalid, "%s with wrong %s", name, what)
		}
	}
	for name, r := range map[string]Request{
		"no group":       RecvMulti(3, nil, 0),
		"control":        RecvmsgMulti(3, testGroup(1), MessageRoom{Control: -1}, 0),
		"no buffer":      WriteFixed(3, Fixed{}, 0),
		"no buffers":     ReadvFixed(3, nil, 0),
		"no path":        ReadFile("", nil),
		"not direct":     {Code: CodeSendDirect, Mode: Managed, FD: 3, FD2: 3},
		"offset":         ReadFixed(3, b, -2),
		"offset, select": ReadSelect(3, testGroup(7), -2),
	} {
		assert.ErrorIs(t, r.Validate(), ErrInvalid, name)
	}
}

// Every generation of a loan is its own, up to where they wrap around.
func TestLoanGenerations(t *testing.T) {
	from := new(lender)
	l := &Loan{Lender: from}
	l.state.Store((generationMask - 1) << generationShift)
	var old []Completion
	for i := range 4 {
		l.Lend([]byte{byte(i)})
		c := Completion{Code: CodeRecv, Res: 1, Flags: l.Flags() | FlagNonEmpty, Arg: l}
		for _, gone := range old {
			assert.Panics(t, gone.Release)
			assert.Panics(t, func() { gone.Bytes() })
		}
		assert.Equal(t, []byte{byte(i)}, c.Bytes())
		c.Release()
		assert.Len(t, from.loans, i+1)
		assert.Panics(t, c.Release)
		old = append(old, c)
	}
	other := Completion{Code: CodeRead, Arg: l, Buf: []byte("abc"), Res: 2}
	other.Release()
	assert.Equal(t, "ab", string(other.Bytes()))
}

// Of many that release the same buffer one succeeds.
func TestLoanReleaseRace(t *testing.T) {
	from := new(lender)
	l := &Loan{Lender: from}
	l.Lend(nil)
	c := Completion{Flags: l.Flags(), Arg: l}
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { _ = recover() }()
			c.Release()
		}()
	}
	wg.Wait()
	assert.Len(t, from.loans, 1)
}

func TestFixedHolds(t *testing.T) {
	from := new(lender)
	m := NewFixedMemory(make([]byte, 8), 0, fixedLender{from})
	m.state.Store(math.MaxUint32 << fixedGeneration) // the generation wraps around
	b := m.Lend(8)
	r := ReadFixed(0, b, 0)
	v := ReadvFixed(0, []Fixed{b.Slice(0, 2), b.Slice(4, 8)}, 0)
	require.True(t, r.HoldFixed())
	require.True(t, v.HoldFixed())
	assert.Equal(t, fixedLender{from}, v.FixedLender())
	assert.Panics(t, b.Release)
	v.LetGoFixed()
	assert.Panics(t, b.Release)
	r.LetGoFixed()
	b.Release()
	assert.False(t, r.HoldFixed())
	assert.False(t, v.HoldFixed())
	assert.Len(t, from.fixed, 1)
	again := m.Lend(4)
	assert.False(t, r.HoldFixed())
	assert.Equal(t, 4, again.Len())
	assert.Panics(t, func() { again.Slice(3, 2) })
	again.Release()
}
