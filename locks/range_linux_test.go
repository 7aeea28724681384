package locks_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestRangesDoNotConflict(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.OFD(a, locks.Exclusive, 0, 10))
	do(t, r, locks.OFD(b, locks.Exclusive, 10, 10))
	submit(t, r, locks.OFD(b, locks.Exclusive, 5, 2).WithTag("inside"))
	submit(t, r, locks.OFD(a, locks.Exclusive, 15, 0).WithTag("tail"))
	do(t, r, locks.OFD(a, locks.Shared, 3, 1)) // nobody waits for that part
	pending(t, r)
	do(t, r, locks.OFD(a, locks.Unlock, 5, 2)) // part of the range
	c := wait(t, r)
	require.Equal(t, "inside", c.Tag)
	require.NoError(t, c.Err())
	do(t, r, locks.OFD(b, locks.Unlock, 0, 0))
	c = wait(t, r)
	require.Equal(t, "tail", c.Tag)
	require.NoError(t, c.Err())
}

// Requests for overlapping ranges are granted in order, and others not held up.
func TestOverlappingRangesQueue(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	holder := open(t, path)
	do(t, r, locks.OFD(holder, locks.Exclusive, 0, 100))
	ranges := [][2]int64{{0, 20}, {10, 20}, {25, 20}, {200, 5}}
	for i, x := range ranges {
		submit(t, r, locks.OFD(open(t, path), locks.Exclusive, x[0], x[1]).WithTag(i))
	}
	c := wait(t, r)
	require.Equal(t, 3, c.Tag, "nobody has that range")
	do(t, r, locks.OFD(holder, locks.Unlock, 0, 0))
	// 1 overlaps 0, and 2 overlaps 1, so 2 waits for 1, which waits for 0.
	for want := range 3 {
		c = wait(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, want, c.Tag)
		pending(t, r)
		do(t, r, locks.OFD(int(c.Target), locks.Unlock, 0, 0))
	}
}

func TestRangesOfOtherProcesses(t *testing.T) {
	r := newRing(t, ring.Config{})
	for _, role := range []string{"ofd", "record"} {
		for name, lock := range map[string]func(int, ops.LockType, int64, int64) ops.Request{"OFD": locks.OFD, "Record": locks.Record} {
			t.Run(role+" against "+name, func(t *testing.T) {
				path := newFile(t)
				p := start(t, role, path)
				require.Equal(t, "held", p.line(t))
				fd := open(t, path)
				submit(t, r, lock(fd, locks.Exclusive, 0, 5))
				pending(t, r)
				p.kill(t)
				c := wait(t, r)
				require.NoError(t, c.Err())
			})
		}
	}
}

func TestRecordLockAgainstPython(t *testing.T) {
	if exec.Command("python3", "-c", "import fcntl").Run() != nil {
		t.Skip("needs python3")
	}
	r := newRing(t, ring.Config{})
	path := newFile(t)
	p := run(t, exec.Command("python3", "-c", `
import fcntl, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX, 8, 2)
print("held", flush=True)
sys.stdin.read()
`, path))
	require.Equal(t, "held", p.line(t))
	fd := open(t, path)
	c := do(t, r, locks.TestRecord(fd, locks.Shared, 0, 0))
	h, err := locks.HolderOf(&c)
	require.NoError(t, err)
	require.Equal(t, &locks.Holder{Exclusive: true, Pid: p.cmd.Process.Pid, Start: 2, Length: 8}, h)
	do(t, r, locks.Record(fd, locks.Exclusive, 10, 1))
	_, err = r.Do(context.Background(), locks.Record(fd, locks.Shared, 9, 1).WithTimeout(10*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	p.end(t)
	do(t, r, locks.Record(fd, locks.Shared, 9, 1))
}

// Record locks are the process's: its requests do not exclude one another.
func TestRecordLocksAreTheProcesss(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.Record(a, locks.Exclusive, 0, 0))
	do(t, r, locks.Record(b, locks.Exclusive, 0, 0))
	// An OFD lock conflicts with them, though.
	_, err := r.Do(context.Background(), locks.Try(locks.OFD(b, locks.Shared, 0, 1)))
	require.ErrorIs(t, err, unix.EAGAIN)
	c := do(t, r, locks.TestOFD(b, locks.Shared, 0, 1))
	h, err := locks.HolderOf(&c)
	require.NoError(t, err)
	require.Equal(t, unix.Getpid(), h.Pid)
}

func TestWhoHoldsIt(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	fd := open(t, path)
	c := do(t, r, locks.TestOFD(fd, locks.Exclusive, 0, 0))
	h, err := locks.HolderOf(&c)
	require.NoError(t, err)
	require.Nil(t, h)

	p := start(t, "ofd", path)
	require.Equal(t, "held", p.line(t))
	c = do(t, r, locks.TestOFD(fd, locks.Shared, 3, 1))
	h, err = locks.HolderOf(&c)
	require.NoError(t, err)
	require.Equal(t, &locks.Holder{Exclusive: true, Pid: -1}, h)

	q := start(t, "flock", path)
	require.Equal(t, "held", q.line(t))
	held, err := locks.Holders(fd)
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, x := range held {
		require.True(t, x.Exclusive)
		kinds[x.Kind] = x.Pid
	}
	require.Equal(t, q.cmd.Process.Pid, kinds["FLOCK"])
	require.Contains(t, kinds, "OFDLCK")

	nop := do(t, r, ops.Nop())
	_, err = locks.HolderOf(&nop)
	require.ErrorIs(t, err, ops.ErrInvalid)
}

// Two holders of a shared lock that both want the exclusive one: a deadlock, which
// ends when one gives up.
func TestUpgradesOfTwoHolders(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	a, b := open(t, path), open(t, path)
	do(t, r, locks.OFD(a, locks.Shared, 0, 0))
	do(t, r, locks.OFD(b, locks.Shared, 0, 0))
	submit(t, r, locks.OFD(a, locks.Exclusive, 0, 0).WithTag("a"))
	_, err := r.Do(context.Background(), locks.OFD(b, locks.Exclusive, 0, 0).WithTimeout(10*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	pending(t, r)
	do(t, r, locks.OFD(b, locks.Unlock, 0, 0))
	c := wait(t, r)
	require.NoError(t, c.Err())
}

func TestRefusedRanges(t *testing.T) {
	r := newRing(t, ring.Config{})
	fd := open(t, newFile(t))
	for _, req := range []ops.Request{
		locks.OFD(fd, locks.Shared, -1, 1),
		locks.OFD(fd, locks.Shared, 1, -1),
		locks.OFD(fd, locks.Shared, 1<<62, 1<<62),
		locks.Flock(fd, 7),
		locks.TestOFD(fd, locks.Unlock, 0, 0),
		locks.FutexWait(nil, 0, 1),
		locks.FutexWaitv(nil, nil),
		locks.FutexWaitv(nil, []uint32{1}),
		{Code: ops.CodeMutex},
		{Code: ops.CodeEvent},
	} {
		_, err := r.Submit(req)
		require.ErrorIs(t, err, ops.ErrInvalid, "%v", req.Code)
	}
	_, err := r.Do(context.Background(), ops.Request{Code: ops.CodeMutex, Arg: "x"})
	require.ErrorIs(t, err, unix.EINVAL)
}
