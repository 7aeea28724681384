package ring_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// storm is random work from several goroutines on one Ring, and the count of
// what came of it.
type storm struct {
	t       *testing.T
	r       *ring.Ring
	in, out int // a pipe
	listen  int
	addr    *unix.SockaddrUnix
	left    atomic.Int64 // requests that may still be submitted
	alone   bool         // one goroutine takes completions, so that their order is known

	mu       sync.Mutex
	accepted map[ops.ID]bool // requests that Submit has accepted
	ended    map[ops.ID]int  // their terminal completions
	written  int             // bytes put into the pipe
	read     int             // and taken out of it
}

// Every accepted request ends exactly once, whatever else goes on: cancels,
// timeouts, wake-ups, threads that die, and Close in the middle of it all.
func TestStorm(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		total := int64(6000)
		if testing.Short() {
			total = 500
		}
		for i, cfg := range []ring.Config{
			{}, {Entries: 4, InFlight: 20}, {Entries: 16, Capacity: 60},
		} {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d, %+v", seed, cfg)
			before := testkit.Descriptors()
			s := &storm{t: t, r: newRing(cfg), accepted: map[ops.ID]bool{}, ended: map[ops.ID]int{}}
			s.left.Store(total)
			s.in, s.out = pipe(t)
			s.listen, s.addr = listener(t, 0, 1000)
			var wg sync.WaitGroup
			for i := range uint64(4) {
				wg.Go(func() { s.work(rand.New(rand.NewPCG(seed, i))) })
			}
			s.alone = i == 0 || s.r.Info().Pinned
			if !s.alone {
				wg.Go(func() { s.takeUntilClosed() })
			}
			if !s.r.Info().Pinned {
				wg.Go(func() { onDyingThread(t, func() { s.work(rand.New(rand.NewPCG(seed, 99))) }) })
			}
			wg.Go(func() {
				for s.left.Load() > total/20 { // the end of it meets Close
					time.Sleep(time.Millisecond)
				}
				assert.NoError(t, s.r.Close())
			})
			s.takeUntilClosed()
			wg.Wait()
			s.takeUntilClosed()
			s.check()
			require.NoError(t, unix.Close(s.listen))
			require.NoError(t, unix.Close(s.in))
			require.NoError(t, unix.Close(s.out))
			require.LessOrEqual(t, testkit.Descriptors(), before)
		}
	})
}

// takeUntilClosed takes completions until the Ring is closed and empty.
func (s *storm) takeUntilClosed() {
	var dst [16]ops.Completion
	for i := 0; ; i++ {
		n, err := s.r.Wait(dst[:], i%3, time.Duration(i%5)*time.Millisecond)
		s.note(dst[:n])
		if errors.Is(err, ops.ErrClosed) {
			return
		}
		if err != nil && err != ops.ErrTimeout && err != ops.ErrWoken {
			assert.NoError(s.t, err)
			return
		}
	}
}

func (s *storm) note(all []ops.Completion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range all {
		c := &all[i]
		if c.Code == ops.CodeRead {
			s.read += c.N()
		}
		if c.Code == ops.CodeWrite {
			s.written += c.N()
		}
		if fd := c.FD(); fd >= 0 {
			assert.NoError(s.t, unix.Close(fd))
		}
		if s.alone && s.ended[c.ID] != 0 {
			s.t.Errorf("%v %v: a completion after its end", c.ID, c.Code)
		}
		if !c.More {
			s.ended[c.ID]++
		}
	}
}

// started notes what a call of Submit has accepted.
func (s *storm) started(err error, ids ...ops.ID) bool {
	if err != nil {
		if !errors.Is(err, ops.ErrFull) && !errors.Is(err, ops.ErrClosed) {
			s.t.Error(err)
		}
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if s.accepted[id] {
			s.t.Errorf("%v was given out twice", id)
		}
		s.accepted[id] = true
	}
	return true
}

// work submits and meddles until the storm is over or the Ring is closed.
func (s *storm) work(rng *rand.Rand) {
	for s.left.Add(-1) > 0 {
		switch n := rng.IntN(100); {
		case n < 55:
			id, err := s.submitter(rng)(s.request(rng))
			if s.started(err, id) && rng.IntN(3) == 0 {
				s.cancel(id)
			}
		case n < 70:
			s.chain(rng)
		case n < 75:
			id, err := s.r.Post(nil, priority(rng))
			s.started(err, id)
		case n < 82:
			s.do(rng)
		case n < 86:
			if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err == nil {
				_ = unix.Connect(fd, &unix.SockaddrUnix{Name: s.addr.Name}) // it is written to
				_ = unix.Close(fd)
			}
		case n < 90:
			s.r.Wake()
		case n < 93:
			if err := s.r.Flush(); err != nil {
				assert.ErrorIs(s.t, err, ops.ErrClosed)
				return
			}
		case n < 96:
			_, _ = s.r.CancelFD([]int{s.in, s.listen}[rng.IntN(2)])
		case n < 97:
			_, _ = s.r.CancelAll()
		default:
			time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
		}
		_ = s.r.Stats()
	}
}

func (s *storm) submitter(rng *rand.Rand) func(ops.Request) (ops.ID, error) {
	if rng.IntN(3) == 0 {
		return s.r.Queue
	}
	return s.r.Submit
}

func (s *storm) cancel(id ops.ID) {
	if err := s.r.Cancel(id); err != nil {
		assert.ErrorIs(s.t, err, ops.ErrNotFound)
	}
}

func priority(rng *rand.Rand) ops.Priority { return ops.Priority(rng.IntN(ops.Levels)) + ops.Lowest }

// single returns a request that may be anywhere.
func (s *storm) single(rng *rand.Rand) (req ops.Request) {
	switch rng.IntN(7) {
	case 0:
		req = ops.Nop()
	case 1, 2:
		req = ops.Read(s.in, make([]byte, 1+rng.IntN(4)), ops.Current)
	case 3, 4:
		req = ops.Write(s.out, []byte("abcd")[:1+rng.IntN(4)], ops.Current)
	case 5:
		req = readiness.Once(s.in, readiness.In)
	case 6:
		req = ops.Timer(time.Duration(rng.IntN(2000)) * time.Microsecond)
	}
	if rng.IntN(4) == 0 {
		req.Timeout = time.Duration(1 + rng.IntN(1000000))
	}
	return req.WithPriority(priority(rng))
}

// request returns one that stands alone.
func (s *storm) request(rng *rand.Rand) (req ops.Request) {
	switch rng.IntN(12) {
	case 0:
		req = readiness.Level(s.in, readiness.In)
	case 1:
		req = readiness.Edge(s.in, readiness.In)
	case 2:
		req = ops.AcceptMulti(s.listen, 0)
	case 3:
		req = ops.Accept(s.listen, 0)
	case 4:
		req = ops.Splice(s.in, ops.Current, s.out, ops.Current, 4, 0)
	case 5:
		s.mu.Lock()
		for id := range s.accepted { // any
			req = readiness.Change(id, readiness.In)
			break
		}
		s.mu.Unlock()
		if req.Code == ops.CodeInvalid {
			req = ops.Nop()
		}
	default:
		return s.single(rng)
	}
	if rng.IntN(2) == 0 {
		req.Timeout = time.Duration(1 + rng.IntN(5000000))
	}
	return req.WithPriority(priority(rng))
}

func (s *storm) chain(rng *rand.Rand) {
	reqs := make([]ops.Request, 2+rng.IntN(3))
	for i := range reqs {
		reqs[i] = s.single(rng)
	}
	if rng.IntN(2) == 0 {
		reqs = ops.Chain(reqs...)
	} else {
		reqs = ops.HardChain(reqs...)
	}
	ids := make([]ops.ID, len(reqs))
	submit := s.r.SubmitAll
	if rng.IntN(3) == 0 {
		submit = s.r.QueueAll
	}
	if s.started(submit(reqs, ids), ids...) && rng.IntN(2) == 0 {
		s.cancel(ids[rng.IntN(len(ids))])
	}
}

func (s *storm) do(rng *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(3000))*time.Microsecond)
	defer cancel()
	c, err := s.r.Do(ctx, s.single(rng))
	if c.Code == ops.CodeRead {
		s.mu.Lock()
		s.read += c.N()
		s.mu.Unlock()
	}
	if c.Code == ops.CodeWrite {
		s.mu.Lock()
		s.written += c.N()
		s.mu.Unlock()
	}
	if err != nil && !errors.Is(err, ops.ErrFull) && !errors.Is(err, ops.ErrClosed) &&
		!errors.Is(err, ops.ErrTimeout) && !errors.Is(err, ops.ErrCanceled) && !errors.Is(err, context.DeadlineExceeded) {
		s.t.Error(err)
	}
}

// check compares what was accepted with what ended, and the bytes in the pipe.
func (s *storm) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.accepted)
	for id := range s.accepted {
		if s.ended[id] != 1 {
			s.t.Errorf("%v ended %d times", id, s.ended[id])
		}
	}
	require.Equal(s.t, len(s.accepted), len(s.ended), "completions of requests that were not accepted")
	require.Equal(s.t, s.written, s.read+inPipe(s.t, s.in), "bytes in the pipe")
}
