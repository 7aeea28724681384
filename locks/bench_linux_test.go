package locks_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// BenchmarkFree locks and unlocks what nobody else wants, beside the system calls.
func BenchmarkFree(b *testing.B) {
	fd := open(b, newFile(b))
	kinds := []struct {
		name         string
		lock, unlock ops.Request
		direct       func() error
	}{
		{"flock", locks.Flock(fd, locks.Exclusive), locks.Flock(fd, locks.Unlock), func() error {
			if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
				return err
			}
			return unix.Flock(fd, unix.LOCK_UN)
		}},
		{"ofd", locks.OFD(fd, locks.Exclusive, 0, 0), locks.OFD(fd, locks.Unlock, 0, 0), func() error {
			l := unix.Flock_t{Type: unix.F_WRLCK}
			if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &l); err != nil {
				return err
			}
			l.Type = unix.F_UNLCK
			return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &l)
		}},
	}
	for _, k := range kinds {
		b.Run(k.name+"/direct", func(b *testing.B) {
			for b.Loop() {
				if err := k.direct(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(k.name+"/do", func(b *testing.B) {
			r := newRing(b, ring.Config{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Do(context.Background(), k.lock); err != nil {
					b.Fatal(err)
				}
				if _, err := r.Do(context.Background(), k.unlock); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(k.name+"/batch=32", func(b *testing.B) {
			r := newRing(b, ring.Config{})
			dst := make([]ops.Completion, 64)
			b.ReportAllocs()
			for b.Loop() {
				for range 32 {
					if _, err := r.Queue(k.lock); err != nil {
						b.Fatal(err)
					}
					if _, err := r.Queue(k.unlock); err != nil {
						b.Fatal(err)
					}
				}
				if n, err := r.Wait(dst, 64, ring.Forever); n != 64 {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*32), "ns/pair")
		})
	}
}

// BenchmarkHandOver passes a lock on among requests that wait, of which there are
// more and more: the cost of one is to stay the same.
func BenchmarkHandOver(b *testing.B) {
	const descriptors = 500
	path := newFile(b)
	holder := open(b, path)
	fds := make([]int, descriptors)
	for i := range fds {
		fds[i] = open(b, path)
	}
	for _, waiting := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			r := newRing(b, ring.Config{Capacity: 2 * waiting})
			do(b, r, locks.Flock(holder, locks.Exclusive))
			next := 0
			add := func() {
				submit(b, r, locks.Flock(fds[next%descriptors], locks.Exclusive))
				next++
			}
			for range waiting {
				add()
			}
			do(b, r, locks.Flock(holder, locks.Unlock))
			for b.Loop() {
				c := wait(b, r)
				add()
				do(b, r, locks.Flock(int(c.Target), locks.Unlock))
			}
			_, err := r.CancelAll()
			require.NoError(b, err)
			dst := make([]ops.Completion, 256)
			for left := r.Stats().Pending; left > 0; {
				n, err := r.Wait(dst, 1, patience)
				require.NoError(b, err)
				left -= n
				for i := range dst[:n] {
					if dst[i].OK() {
						do(b, r, locks.Flock(int(dst[i].Target), locks.Unlock))
					}
				}
			}
		})
	}
}

// BenchmarkCancel cancels a request that is blocked in the kernel.
func BenchmarkCancel(b *testing.B) {
	r := newRing(b, ring.Config{})
	path := newFile(b)
	holder, fd := open(b, path), open(b, path)
	do(b, r, locks.Flock(holder, locks.Exclusive))
	var spent time.Duration
	for b.Loop() {
		id := submit(b, r, locks.Flock(fd, locks.Exclusive))
		time.Sleep(100 * time.Microsecond)
		began := time.Now()
		require.NoError(b, r.Cancel(id))
		wait(b, r)
		spent += time.Since(began)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/cancel")
}

// BenchmarkMutex locks and unlocks a free mutex.
func BenchmarkMutex(b *testing.B) {
	r := newRing(b, ring.Config{})
	mem, _ := newMapping(b)
	m, err := locks.MutexAt(mem)
	require.NoError(b, err)
	b.Run("do", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Do(context.Background(), m.Lock()); err != nil {
				b.Fatal(err)
			}
			_ = m.Unlock()
		}
	})
	b.Run("try", func(b *testing.B) {
		for b.Loop() {
			_ = m.TryLock()
			_ = m.Unlock()
		}
	})
}
