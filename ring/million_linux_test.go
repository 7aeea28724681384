package ring_test

import (
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// many returns how often a test that is about rare races tries: a million times if
// SLUICE_TEST_LONG is set.
func many() int {
	if os.Getenv("SLUICE_TEST_LONG") != "" {
		return 1_000_000
	}
	return 20_000
}

// A cancel that meets the expiry of a timer, or of a request's timeout, yields one
// completion, whoever wins.
func TestCancelAgainstExpiry(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		in, _ := pipe(t)
		for _, kind := range []struct {
			name string
			req  func(d time.Duration) ops.Request
			wins error // what expiry reports
		}{
			{"timer", ops.Timer, nil},
			{"boottime", ops.BoottimeTimer, nil},
			{"timer's timeout", func(d time.Duration) ops.Request { return ops.Timer(time.Hour).WithTimeout(max(d, 1)) }, ops.ErrTimeout},
			{"read's timeout", func(d time.Duration) ops.Request {
				return ops.Read(in, make([]byte, 1), ops.Current).WithTimeout(max(d, 1))
			}, ops.ErrTimeout},
		} {
			r := newRing(ring.Config{})
			tries := many() / 4
			ids := make(chan ops.ID, 64)
			canceled := make(chan int, 1)
			join := during(t, func() {
				n := 0
				for id := range ids {
					if r.Cancel(id) == nil {
						n++
					}
				}
				canceled <- n
			})
			ended, expired := map[ops.ID]bool{}, 0
			var dst [64]ops.Completion
			collect := func(min int) {
				n, err := r.Wait(dst[:], min, patience)
				require.NoError(t, err)
				for i := range dst[:n] {
					c := &dst[i]
					require.False(t, ended[c.ID], "%v ended twice", c.ID)
					ended[c.ID] = true
					if err := c.Err(); kind.wins == nil && err == nil {
						expired++
					} else if kind.wins != nil && assert.Error(t, err) && c.Cause == ops.ByTimeout {
						expired++
					} else {
						require.ErrorIs(t, err, ops.ErrCanceled)
					}
				}
			}
			for i := range tries {
				id := submit(t, r, kind.req(time.Duration(i%40)*time.Microsecond))
				ids <- id
				collect(0)
			}
			close(ids)
			for len(ended) < tries {
				collect(1)
			}
			join()
			n := <-canceled
			takeNone(t, r)
			t.Logf("%s: %d of %d expired, %d cancels were in time", kind.name, expired, tries, n)
			assert.GreaterOrEqual(t, expired+n, tries)
		}
	})
}

// An update that meets the expiry of a timer either comes too late and says so, or
// counts: then the timer fires once, and not before its new time.
func TestUpdateAgainstExpiry(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		for name, timer := range map[string]func(d time.Duration) ops.Request{"monotonic": ops.Timer, "boottime": ops.BoottimeTimer} {
			r := newRing(ring.Config{})
			tries, late := many()/100, 0
			var dst [2]ops.Completion
			for i := range tries {
				id := submit(t, r, timer(time.Duration(i%60)*time.Microsecond))
				var min time.Time
				var err error
				join := during(t, func() {
					for range i % 7 {
						runtime.Gosched()
					}
					d := time.Duration(i%90) * time.Microsecond
					at := time.Now().Add(d)
					if err = r.UpdateTimer(id, timer(d)); err == nil {
						min = at
					}
				})
				n, waitErr := r.Wait(dst[:], 1, patience)
				now := time.Now()
				join()
				require.NoError(t, waitErr)
				require.Equal(t, 1, n)
				require.NoError(t, dst[0].Err())
				if err != nil {
					require.ErrorIs(t, err, ops.ErrNotFound)
					late++
				} else {
					require.False(t, now.Before(min), "it fired %v before its new time", min.Sub(now))
				}
			}
			takeNone(t, r)
			require.Zero(t, r.Stats().Timers)
			t.Logf("%s: %d of %d updates were too late", name, late, tries)
		}
	})
}

// A large number of timers of all kinds fire once each, in order, or end cancelled.
func TestManyTimers(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		n := many() * 5
		r := newRing(ring.Config{Capacity: n})
		seed := uint64(time.Now().UnixNano())
		t.Log("seed", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		base := time.Now().Add(50 * time.Millisecond)
		ids := make([]ops.ID, n)
		dues := make([]time.Duration, n)
		for i := range n {
			dues[i] = time.Duration(rng.IntN(100_000_000))
			ids[i] = queue(t, r, ops.TimerAt(base.Add(dues[i])).WithTag(i))
		}
		_, err := r.Queue(ops.Nop())
		require.ErrorIs(t, err, ops.ErrFull)
		_, err = r.Queue(ops.Timer(0))
		require.ErrorIs(t, err, ops.ErrFull)
		require.ErrorIs(t, r.QueueAll([]ops.Request{ops.Timer(0), ops.Nop()}, nil), ops.ErrFull)
		_, err = r.Post(0, ops.Normal)
		require.ErrorIs(t, err, ops.ErrFull)
		for i := 0; i < n; i += 3 {
			require.NoError(t, r.Cancel(ids[i]))
		}
		last, seen := time.Duration(0), make([]bool, n)
		dst := make([]ops.Completion, 256)
		for got := 0; got < n; {
			k, err := r.Wait(dst, 1, patience)
			require.NoError(t, err)
			now := time.Now()
			for i := range dst[:k] {
				c, tag := &dst[i], dst[i].Tag.(int)
				if seen[tag] {
					t.Fatalf("timer %d fired twice", tag)
				}
				seen[tag] = true
				if tag%3 == 0 {
					if c.Errno() == 0 {
						t.Fatalf("timer %d was cancelled and fired", tag)
					}
					continue
				}
				if c.Errno() != 0 || dues[tag] < last || now.Before(base.Add(dues[tag])) {
					t.Fatalf("timer %d: %v, due at %v after %v, at %v", tag, c.Err(), dues[tag], last, now.Sub(base))
				}
				last = dues[tag]
			}
			got += k
		}
	})
}

// A pending timer costs memory, but little, and no kernel object.
func TestTimerMemory(t *testing.T) {
	const n = 200_000
	r, err := ring.New(ring.Config{Capacity: n})
	require.NoError(t, err)
	defer closeRing(t, r)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range n {
		queue(t, r, ops.Timer(time.Hour+time.Duration(i)))
	}
	each := float64(heap()-before) / n
	assert.Less(t, each, 68.0, "bytes per timer")
	assert.Zero(t, r.Stats().Enters)
	_, err = r.CancelAll()
	require.NoError(t, err)
}
