package locking

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// newFile returns descriptors of a new file, each from an open of its own.
func newFile(t *testing.T, n int) (fds []int32) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	for range n {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { unix.Close(fd) })
		fds = append(fds, int32(fd))
	}
	return fds
}

func flockRequest(fd int32, kind ops.LockType) ops.Request {
	return ops.Request{Code: ops.CodeFlock, FD: fd, Flags: uint32(kind)}
}

// Without a single thread, as on architectures where none can be interrupted, all
// works by trying.
func TestWithoutThreads(t *testing.T) {
	s, to := newSource(t, 0), newInbox()
	fds := newFile(t, 3)
	require.Zero(t, atOnce(t, s, flockRequest(fds[0], ops.LockExclusive)).Res)
	begin(t, s, 1, flockRequest(fds[1], ops.LockExclusive), to)
	begin(t, s, 2, flockRequest(fds[2], ops.LockShared), to)
	eventually(t, "attempts are made", func() bool { return s.Stats().Retries > 2 })
	require.Zero(t, s.Stats().Threads)
	require.Zero(t, atOnce(t, s, flockRequest(fds[0], ops.LockRelease)).Res)
	require.Equal(t, uint64(1), to.next(t).id)
	require.True(t, s.Cancel(2, to))
	require.False(t, s.Cancel(2, to))
}

func TestLinesOfFdinfo(t *testing.T) {
	line := func(s string) [][]byte {
		var f [][]byte
		for _, w := range strings.Fields(s) {
			f = append(f, []byte(w))
		}
		return f
	}
	flock := operation{code: ops.CodeFlock, end: toEnd}
	ofd := operation{code: ops.CodeOFDLock, start: 10, end: 20}
	for text, want := range map[string][2]bool{
		"lock: 1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF": {true, false},
		"lock: 1: OFDLCK ADVISORY  READ -1 00:13:11691 0 EOF":   {false, true},
		"lock: 1: OFDLCK ADVISORY  READ -1 00:13:11691 19 30":   {false, true},
		"lock: 1: OFDLCK ADVISORY  READ -1 00:13:11691 20 30":   {false, false},
		"lock: 1: OFDLCK ADVISORY  READ -1 00:13:11691 0 9":     {false, false},
		"lock: 1: OFDLCK ADVISORY  READ -1 00:13:11691 0 10":    {false, true},
		"lock: 1: POSIX  ADVISORY  READ 359 00:13:11691 0 EOF":  {false, false},
		"pos: 0": {false, false},
		"":       {false, false},
	} {
		require.Equal(t, want, [2]bool{flock.matches(line(text)), ofd.matches(line(text))}, text)
	}
	fds := newFile(t, 1)
	ofd.fd, flock.fd = fds[0], fds[0]
	require.False(t, flock.holds())
	require.NoError(t, unix.Flock(int(fds[0]), unix.LOCK_SH))
	require.True(t, flock.holds())
	require.False(t, ofd.holds())
	require.NoError(t, unix.FcntlFlock(uintptr(fds[0]), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: 19, Len: 1}))
	require.True(t, ofd.holds())
}

// Random requests on overlapping ranges and their cancels: all end, nobody has a
// conflicting lock, and nothing is left in the queues.
func TestRandomRanges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s, to := newSource(t, 3), newInbox()
	fds := newFile(t, 12)
	type held struct {
		fd         int32
		start, end int64
		kind       ops.LockType
	}
	var holding []held
	pending := map[uint64]held{}
	release := func(i int) {
		h := holding[i]
		holding[i] = holding[len(holding)-1]
		holding = holding[:len(holding)-1]
		req := ops.Request{Code: ops.CodeOFDLock, FD: h.fd, Flags: uint32(ops.LockRelease), Offset: h.start, Offset2: h.end - h.start}
		require.Zero(t, atOnce(t, s, req).Res)
	}
	granted := func(h held) {
		for _, o := range holding {
			overlap := o.start < h.end && h.start < o.end
			require.False(t, overlap && (o.kind == ops.LockExclusive || h.kind == ops.LockExclusive), "%+v and %+v", o, h)
		}
		holding = append(holding, h)
	}
	take := func(d delivered) {
		h, ok := pending[d.id]
		require.True(t, ok, "one result for each")
		delete(pending, d.id)
		if d.res.Res == 0 {
			granted(h)
			return
		}
		require.Equal(t, -int32(syscall.ECANCELED), d.res.Res)
		fds = append(fds, h.fd)
	}
	for id := uint64(1); id < 1500; id++ {
		// A descriptor has one lock at a time, so that none is converted.
		if len(fds) != 0 {
			h := held{fd: fds[0], start: rnd.Int64N(20), kind: ops.LockType(rnd.IntN(2))}
			h.end = h.start + 1 + rnd.Int64N(10)
			fds = fds[1:]
			req := ops.Request{Code: ops.CodeOFDLock, FD: h.fd, Flags: uint32(h.kind), Offset: h.start, Offset2: h.end - h.start, Priority: ops.Priority(rnd.IntN(3) - 1)}
			if res, done := s.Start(id, &req, to); done {
				require.Zero(t, res.Res)
				granted(h)
			} else {
				pending[id] = h
			}
		}
		if len(holding) != 0 && rnd.IntN(3) != 0 {
			i := rnd.IntN(len(holding))
			fds = append(fds, holding[i].fd)
			release(i)
		}
		for victim, h := range pending {
			if rnd.IntN(8) == 0 && s.Cancel(victim, to) {
				delete(pending, victim)
				fds = append(fds, h.fd)
			}
			break
		}
		for len(to) != 0 {
			take(<-to)
		}
	}
	for len(pending)+len(holding) != 0 {
		for len(holding) != 0 {
			release(0)
		}
		if len(pending) != 0 {
			take(to.next(t))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	require.Empty(t, queues)
	require.Zero(t, waiting.Load())
}

func TestStartTimes(t *testing.T) {
	_, ok := startTime(os.Getpid())
	require.True(t, ok)
	_, ok = startTime(1 << 22)
	require.False(t, ok)
	require.True(t, alive(self()))
	require.True(t, alive(self()|sleepers))
	require.False(t, alive(1<<22-1))
	require.False(t, alive(self()^1<<40), "the same process id, but another start")
}
