package locks_test

import (
	"context"
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// contendFor is how long mutual exclusion is tried. SLUICE_LOCKS_TIME=10s tries harder.
func contendFor() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(timeEnv)); err == nil {
		return d
	}
	return 2 * time.Second
}

// 50 requests on two Rings and 4 other processes increment a number in a file.
func TestMutualExclusion(t *testing.T) {
	path := newFile(t)
	t.Setenv(timeEnv, contendFor().String())
	var others []*process
	for range 4 {
		others = append(others, start(t, "count", path))
	}
	rings := []*ring.Ring{newRing(t, ring.Config{}), newRing(t, ring.Config{LockThreads: 1})}
	var ours atomic.Uint64
	var wg sync.WaitGroup
	end := time.Now().Add(contendFor())
	for i := range 50 {
		fd, r := open(t, path), rings[i%2]
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				req := locks.Flock(fd, locks.Exclusive)
				if i%5 == 0 {
					req = req.WithTimeout(20 * time.Millisecond)
				}
				if _, err := r.Do(context.Background(), req); err != nil {
					if !isTimeout(err) {
						t.Error(err)
					}
					continue
				}
				if err := increment(fd); err != nil {
					t.Error(err)
				}
				ours.Add(1)
				if _, err := r.Do(context.Background(), locks.Flock(fd, locks.Unlock)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	want := ours.Load()
	theirs := uint64(0)
	for _, p := range others {
		theirs += uint64(p.number(t))
		p.end(t)
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want+theirs, binary.LittleEndian.Uint64(text), "ours %d, theirs %d", want, theirs)
	require.NotZero(t, want)
	require.NotZero(t, theirs)
	t.Logf("ours %d, theirs %d", want, theirs)
}

func isTimeout(err error) bool {
	e, ok := err.(interface{ Timeout() bool })
	return ok && e.Timeout()
}

// 100,000 requests that wait for one file take one thread, and all end: trap 49.
func TestManyPendingRequests(t *testing.T) {
	const descriptors, limit = 1000, 4
	requests := 100_000
	if testing.Short() {
		requests = 5000
	}
	r := newRing(t, ring.Config{Capacity: requests + 10, LockThreads: limit})
	path := newFile(t)
	holder := open(t, path)
	var fds []int
	for range descriptors {
		fds = append(fds, open(t, path))
	}
	do(t, r, locks.Flock(holder, locks.Exclusive))
	before := threads(t)
	for i := range requests {
		kind := locks.Exclusive
		if i%descriptors < descriptors/2 {
			kind = locks.Shared
		}
		submit(t, r, locks.Flock(fds[i%descriptors], kind).WithPriority(ops.Priority(i%3-1)))
	}
	s := r.Locks()
	require.Equal(t, requests, s.Waiting)
	require.LessOrEqual(t, s.Threads, limit)
	require.LessOrEqual(t, threads(t), before+limit+4, "the runtime may start some of its own")

	// A tenth is granted, one after the other, then the rest is cancelled.
	do(t, r, locks.Flock(holder, locks.Unlock))
	dst := make([]ops.Completion, 256)
	granted, canceled := 0, 0
	for granted+canceled < requests {
		n, err := r.Wait(dst, 1, patience)
		require.NoError(t, err)
		for i := range dst[:n] {
			switch err := dst[i].Err(); {
			case err == nil:
				granted++
				do(t, r, locks.Flock(int(dst[i].Target), locks.Unlock))
			default:
				require.ErrorIs(t, err, ops.ErrCanceled)
				canceled++
			}
		}
		if granted >= requests/10 && canceled == 0 {
			_, err := r.CancelAll()
			require.NoError(t, err)
		}
	}
	t.Logf("%d granted, %d canceled", granted, canceled)
	s = r.Locks()
	require.Zero(t, s.Waiting)
	do(t, r, locks.Flock(holder, locks.Exclusive))
}

// More contended files than threads: those without one are tried at intervals.
func TestMoreFilesThanThreads(t *testing.T) {
	const files, limit = 20, 2
	r := newRing(t, ring.Config{LockThreads: limit})
	var holders []int
	for i := range files {
		path := newFile(t)
		holders = append(holders, open(t, path))
		do(t, r, locks.Flock(holders[i], locks.Exclusive))
		submit(t, r, locks.Flock(open(t, path), locks.Exclusive).WithTag(i))
	}
	eventually(t, "attempts are made", func() bool { return r.Locks().Retries > files })
	s := r.Locks()
	require.Equal(t, limit, s.Threads)
	require.Equal(t, files, s.Waiting)
	seen := map[any]bool{}
	for i := files - 1; i >= 0; i-- { // those without a thread first
		do(t, r, locks.Flock(holders[i], locks.Unlock))
		c := wait(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, i, c.Tag)
		seen[c.Tag] = true
	}
	require.Len(t, seen, files)
}
