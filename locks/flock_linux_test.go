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

func TestFlockIsFreeTakenAndHandedOn(t *testing.T) {
	for _, pinned := range []bool{false, true} {
		t.Run(map[bool]string{false: "shared", true: "pinned"}[pinned], func(t *testing.T) {
			r := newRing(t, ring.Config{Pinned: pinned})
			path := newFile(t)
			a, b := open(t, path), open(t, path)
			do(t, r, locks.Flock(a, locks.Exclusive))
			submit(t, r, locks.Flock(b, locks.Exclusive).WithTag("b"))
			pending(t, r)
			do(t, r, locks.Flock(a, locks.Unlock))
			c := wait(t, r)
			require.NoError(t, c.Err())
			require.Equal(t, "b", c.Tag)
			_, err := r.Do(context.Background(), locks.Try(locks.Flock(a, locks.Shared)))
			require.ErrorIs(t, err, unix.EAGAIN)
		})
	}
}

func TestFlockWaitsForAnotherProcess(t *testing.T) {
	r := newRing(t, ring.Config{})
	path := newFile(t)
	p := start(t, "flock", path)
	require.Equal(t, "held", p.line(t))
	fd := open(t, path)
	submit(t, r, locks.Flock(fd, locks.Shared))
	pending(t, r)
	p.end(t)
	c := wait(t, r)
	require.NoError(t, c.Err())
}

func TestFlockAgainstTheShellsCommand(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("needs flock(1)")
	}
	r := newRing(t, ring.Config{})
	path := newFile(t)
	p := run(t, exec.Command("flock", path, "sh", "-c", "echo held; cat"))
	require.Equal(t, "held", p.line(t))
	fd := open(t, path)
	_, err := r.Do(context.Background(), locks.Flock(fd, locks.Exclusive).WithTimeout(20*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	require.ErrorContains(t, err, "flock")
	p.end(t)
	do(t, r, locks.Flock(fd, locks.Exclusive))
	require.Error(t, exec.Command("flock", "-n", path, "true").Run(), "we hold it")
}

// A lock goes to the next when its holder is killed, whatever kind it is.
func TestKilledHolderGrantsTheNext(t *testing.T) {
	r := newRing(t, ring.Config{})
	for role, lock := range map[string]func(fd int) ops.Request{
		"flock":  func(fd int) ops.Request { return locks.Flock(fd, locks.Exclusive) },
		"ofd":    func(fd int) ops.Request { return locks.OFD(fd, locks.Exclusive, 0, 0) },
		"record": func(fd int) ops.Request { return locks.Record(fd, locks.Exclusive, 0, 10) },
	} {
		path := newFile(t)
		p := start(t, role, path)
		require.Equal(t, "held", p.line(t))
		submit(t, r, lock(open(t, path)))
		pending(t, r)
		p.kill(t)
		c := wait(t, r)
		require.NoError(t, c.Err(), role)
	}
}
