package locks_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// mapFile maps the file's first page, for all processes that do.
func mapFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// newMapping returns memory that other processes get by mapping the file.
func newMapping(t testing.TB) (mem []byte, path string) {
	t.Helper()
	path = newFile(t)
	mem, err := mapFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(mem)) })
	return mem, path
}

// holdMutex locks the mutex at the beginning of the file, says so, and unlocks it at
// the end of its input.
func holdMutex() int {
	mem, err := mapFile(os.Getenv(pathEnv))
	if err != nil {
		return 1
	}
	m, err := locks.MutexAt(mem)
	if err != nil || !m.TryLock() {
		return 2
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if m.Unlock() != nil {
		return 3
	}
	return 0
}

// countMutex increments the number behind the mutex, again and again, and prints how
// often.
func countMutex() int {
	mem, err := mapFile(os.Getenv(pathEnv))
	if err != nil {
		return 1
	}
	m, err := locks.MutexAt(mem)
	if err != nil {
		return 2
	}
	r, err := ring.New(ring.Config{})
	if err != nil {
		return 3
	}
	defer r.Close()
	d, _ := time.ParseDuration(os.Getenv(timeEnv))
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		if _, err := r.Do(context.Background(), m.Lock()); err != nil {
			return 4
		}
		incrementAt(mem)
		if m.Unlock() != nil {
			return 5
		}
	}
	fmt.Println(n)
	return 0
}

// incrementAt adds one to the number behind the mutex.
func incrementAt(mem []byte) {
	b := mem[64:72]
	binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+1)
}

func TestMutex(t *testing.T) {
	r := newRing(t, ring.Config{})
	mem, _ := newMapping(t)
	m, err := locks.MutexAt(mem)
	require.NoError(t, err)
	require.ErrorIs(t, m.Unlock(), ops.ErrInvalid)
	do(t, r, m.Lock())
	require.Equal(t, os.Getpid(), m.Owner())
	require.False(t, m.TryLock())
	_, err = r.Do(context.Background(), locks.Try(m.Lock()))
	require.ErrorIs(t, err, unix.EAGAIN)
	_, err = r.Do(context.Background(), m.Lock().WithTimeout(10*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	for i, p := range []ops.Priority{ops.Low, ops.Normal, ops.High} {
		submit(t, r, m.Lock().WithPriority(p).WithTag(i))
	}
	pending(t, r)
	for want := 2; want >= 0; want-- {
		require.NoError(t, m.Unlock())
		c := wait(t, r)
		require.NoError(t, c.Err())
		require.Equal(t, want, c.Tag)
		require.False(t, locks.OwnerDied(&c))
	}
	require.NoError(t, m.Unlock())
	require.Zero(t, m.Owner())
	_, err = locks.MutexAt(mem[4:])
	require.ErrorIs(t, err, ops.ErrInvalid)
	_, err = locks.MutexAt(mem[:4])
	require.ErrorIs(t, err, ops.ErrInvalid)
}

func TestMutexBetweenProcesses(t *testing.T) {
	mem, path := newMapping(t)
	t.Setenv(timeEnv, "500ms")
	m, err := locks.MutexAt(mem)
	require.NoError(t, err)
	r := newRing(t, ring.Config{LockThreads: 2})
	others := []*process{start(t, "countMutex", path), start(t, "countMutex", path)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	ours := 0
	end := time.Now().Add(500 * time.Millisecond)
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; time.Now().Before(end); i++ {
				req := m.Lock()
				if i%4 == 0 {
					req = req.WithTimeout(time.Millisecond)
				}
				if _, err := r.Do(context.Background(), req); err != nil {
					if !isTimeout(err) {
						t.Error(err)
					}
					continue
				}
				incrementAt(mem)
				if err := m.Unlock(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				ours++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	theirs := 0
	for _, p := range others {
		theirs += p.number(t)
		p.end(t)
	}
	require.EqualValues(t, ours+theirs, binary.LittleEndian.Uint64(mem[64:]), "ours %d, theirs %d", ours, theirs)
	require.Zero(t, m.Owner())
	t.Logf("ours %d, theirs %d", ours, theirs)
}

// The mutex of a process that was killed goes to the next, who is told.
func TestMutexOfADeadOwner(t *testing.T) {
	r := newRing(t, ring.Config{})
	mem, path := newMapping(t)
	m, err := locks.MutexAt(mem)
	require.NoError(t, err)
	for _, reap := range []bool{false, true} { // a zombie is dead as well
		p := start(t, "mutex", path)
		require.Equal(t, "held", p.line(t))
		require.Equal(t, p.cmd.Process.Pid, m.Owner())
		submit(t, r, m.Lock())
		pending(t, r)
		require.NoError(t, p.cmd.Process.Kill())
		if reap {
			_ = p.cmd.Wait()
		}
		c := wait(t, r)
		require.NoError(t, c.Err())
		require.True(t, locks.OwnerDied(&c))
		require.NoError(t, m.Unlock())
	}
	p := start(t, "mutex", path)
	require.Equal(t, "held", p.line(t))
	submit(t, r, m.Lock())
	p.end(t)
	c := wait(t, r)
	require.NoError(t, c.Err())
	require.False(t, locks.OwnerDied(&c))
	require.NoError(t, m.Unlock())
}

// setEvent sets the event at byte 128 of the file.
func setEvent() int {
	mem, err := mapFile(os.Getenv(pathEnv))
	if err != nil {
		return 1
	}
	e, err := locks.EventAt(mem[128:])
	if err != nil {
		return 2
	}
	e.Set()
	return 0
}

func TestEvent(t *testing.T) {
	r := newRing(t, ring.Config{})
	mem, path := newMapping(t)
	e, err := locks.EventAt(mem[128:])
	require.NoError(t, err)
	for range 3 {
		submit(t, r, e.Wait())
	}
	_, err = r.Do(context.Background(), e.Wait().WithTimeout(5*time.Millisecond))
	require.ErrorIs(t, err, ops.ErrTimeout)
	pending(t, r)
	start(t, "event", path).end(t)
	for range 3 {
		c := wait(t, r)
		require.NoError(t, c.Err())
	}
	require.True(t, e.IsSet())
	do(t, r, e.Wait())
	e.Reset()
	require.False(t, e.IsSet())
	submit(t, r, e.Wait())
	pending(t, r)
	e.Set()
	c := wait(t, r)
	require.NoError(t, c.Err())
	_, err = locks.EventAt(mem[1:])
	require.ErrorIs(t, err, ops.ErrInvalid)
}
