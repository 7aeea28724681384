package ring_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// bufferPool returns a pool on r, of which nothing may be lent at the end of the
// test.
func bufferPool(t testing.TB, r *ring.Ring, cfg ring.PoolConfig) *ring.BufferPool {
	t.Helper()
	p, err := r.NewBufferPool(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.Zero(t, p.Stats().Lent, "buffers that were not released") })
	return p
}

func lend(t testing.TB, p *ring.BufferPool, n int) ops.Fixed {
	t.Helper()
	b, err := p.Get(n)
	require.NoError(t, err)
	require.Equal(t, n, b.Len())
	require.Len(t, b.Bytes(), n)
	return b
}

func TestFixedBuffers(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{})
		fd, path := tempFile(t, "")
		b := lend(t, p, 5000)
		copy(b.Bytes(), "hello world")
		assert.Equal(t, 11, do(t, r, ops.WriteFixed(fd, b.Slice(0, 11), 0)).N())
		assert.Equal(t, "hello world", contentOf(t, path))
		c := do(t, r, ops.ReadFixed(fd, b.Slice(100, 200), 6))
		assert.Equal(t, "world", string(c.Bytes()))
		assert.Equal(t, "world", string(b.Bytes()[100:105]))
		d := direct(t, r, ops.Register(fd))
		assert.Equal(t, "ello ", string(do(t, r, ops.ReadFixed(d.FD(), b.Slice(0, 5), 1)).Bytes()))
		fails(t, r, ops.ReadFixed(-1, b, 0), syscall.EBADF, "fd -1")
		other := lend(t, p, 5000)
		other.Release()
		b.Release()
		assert.Equal(t, ring.PoolStats{Free: 64, Mapped: 1 << 20, Regions: 1}, p.Stats())
		n, err := p.Trim()
		require.NoError(t, err)
		assert.Equal(t, 1<<20, n)
		assert.Equal(t, ring.PoolStats{}, p.Stats())
		do(t, r, ops.Close(d.FD()))
	})
}

func TestFixedVectors(t *testing.T) {
	needs(t, "6.15")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{})
		fd, path := tempFile(t, "")
		b, big := lend(t, p, 100), lend(t, p, 100_000)
		copy(b.Bytes(), "abcdefghij")
		assert.Equal(t, 6, do(t, r, ops.WritevFixed(fd, []ops.Fixed{b.Slice(4, 8), b.Slice(0, 2)}, 0)).N())
		assert.Equal(t, "efghab", contentOf(t, path))
		assert.Equal(t, 6, do(t, r, ops.ReadvFixed(fd, []ops.Fixed{b.Slice(0, 1), b.Slice(50, 100)}, 0)).N())
		assert.Equal(t, "fghab", string(b.Bytes()[50:55]))
		_, err := r.Submit(ops.ReadvFixed(fd, []ops.Fixed{b, big}, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "another registered region")
		_, err = r.Submit(ops.ReadvFixed(fd, nil, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		b.Release()
		big.Release()
		_, err = r.Submit(ops.WritevFixed(fd, []ops.Fixed{b}, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
	})
}

// O_DIRECT takes the buffers as they are.
func TestFixedBuffersAreAligned(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		_, path := tempFile(t, strings.Repeat("x", 8192))
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skipf("the file system has no O_DIRECT: %v", err)
		}
		own(t, fd)
		p := bufferPool(t, r, ring.PoolConfig{Sizes: []int{512, 1536}})
		var all []ops.Fixed
		for range 10 {
			b := lend(t, p, 1024)
			assert.Equal(t, 1024, do(t, r, ops.ReadFixed(fd, b, 4096)).N())
			all = append(all, b)
		}
		for _, b := range all {
			assert.Equal(t, byte('x'), b.Bytes()[1023])
			b.Release()
		}
	})
}

// Release and use afterwards are caught, and so is Release while a request is
// under way.
func TestFixedReleaseIsOnce(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{})
		rd, wr := pipe(t)
		b := lend(t, p, 10)
		req := ops.ReadFixed(rd, b, ops.Current)
		id := start(t, r, req)
		assert.PanicsWithValue(t, "ops: Release of a Fixed while a request uses it", b.Release)
		write(t, wr, "x")
		assert.Equal(t, "x", string(finish(t, r, id).Bytes()))
		b.Release()
		assert.PanicsWithValue(t, "ops: Release of a Fixed that was released before", b.Release)
		assert.PanicsWithValue(t, "ops: Bytes of a Fixed that was released before", func() { b.Bytes() })
		assert.Panics(t, b.Slice(0, 1).Release)
		_, err := r.Submit(req)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "its buffer was released")
		_, err = r.Submit(ops.ReadFixed(rd, b, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		again := lend(t, p, 10)
		assert.Panics(t, b.Release, "it is somebody else's now")
		_, err = r.Submit(req)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		again.Release()
		ops.Fixed{}.Release()
		_, err = r.Submit(ops.ReadFixed(rd, ops.Fixed{}, 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.Panics(t, func() { b.Slice(0, 11) })
		cancels(t, r, ops.ReadFixed(rd, lendFor(t, p), ops.Current), onFD(rd))
	})
}

// lendFor returns a buffer that is released at the end of the test.
func lendFor(t testing.TB, p *ring.BufferPool) ops.Fixed {
	b := lend(t, p, 10)
	t.Cleanup(b.Release)
	return b
}

// A group that is refused holds nothing.
func TestFixedHoldsAllOrNothing(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{Capacity: 2})
		p := bufferPool(t, r, ring.PoolConfig{})
		a, b := lend(t, p, 10), lend(t, p, 10)
		read, gone := ops.ReadFixed(0, a, 0), ops.ReadFixed(0, b, 0)
		b.Release()
		assert.ErrorIs(t, r.SubmitAll([]ops.Request{read, read, gone}, nil), ops.ErrFull)
		assert.ErrorIs(t, r.SubmitAll([]ops.Request{read, gone}, nil), ops.ErrInvalid)
		rd, _ := pipe(t)
		for range 2 {
			submit(t, r, ops.Read(rd, make([]byte, 1), ops.Current))
		}
		_, err := r.Submit(read)
		assert.ErrorIs(t, err, ops.ErrFull)
		a.Release()
	})
}

func TestFixedPoolLimits(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		for _, cfg := range []ring.PoolConfig{
			{Sizes: []int{}}, {Sizes: []int{100}}, {Sizes: []int{1024, 512}}, {Sizes: []int{4096}, Region: 512},
			{Limit: 1}, {Sizes: []int{512}, Region: 512, Limit: 512}, {Sizes: []int{-512}}, {Region: 1<<30 + 1, Limit: 1<<30 + 1},
		} {
			_, err := r.NewBufferPool(cfg)
			assert.ErrorIs(t, err, ops.ErrInvalid, "%+v", cfg)
		}
		p := bufferPool(t, r, ring.PoolConfig{Sizes: []int{4096}, Region: 8192, Limit: 16384})
		var all []ops.Fixed
		for range 4 {
			all = append(all, lend(t, p, 1))
		}
		_, err := p.Get(1)
		assert.ErrorIs(t, err, ops.ErrNoBuffer)
		assert.ErrorIs(t, err, syscall.ENOBUFS)
		for _, n := range []int{0, -1, 4097} {
			_, err = p.Get(n)
			assert.ErrorIs(t, err, ops.ErrInvalid)
		}
		err = p.Close()
		assert.ErrorIs(t, err, ops.ErrBusy)
		all[3].Release()
		all[3] = lend(t, p, 4096)
		other, err := ring.New(ring.Config{})
		require.NoError(t, err)
		_, err = other.Submit(ops.ReadFixed(0, all[0], 0))
		assert.ErrorIs(t, err, ops.ErrInvalid)
		assert.ErrorContains(t, err, "a pool of another ring")
		closeRing(t, other)
		require.NoError(t, r.Close())
		copy(all[0].Bytes(), "still good")
		for _, b := range all {
			b.Release()
		}
		_, err = p.Get(1)
		assert.ErrorIs(t, err, ops.ErrClosed)
		_, err = r.NewBufferPool(ring.PoolConfig{})
		assert.ErrorIs(t, err, ops.ErrClosed)
		require.NoError(t, p.Close())
	})
}

// A pool grows and shrinks while requests on it are under way.
func TestFixedPoolResizes(t *testing.T) {
	needs(t, "5.19")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		p := bufferPool(t, r, ring.PoolConfig{Sizes: []int{4096, 8192}, Region: 8192})
		fd, _ := tempFile(t, "0123456789")
		for round := range 30 {
			var bufs []ops.Fixed
			for i := range 20 {
				b := lend(t, p, 1+round%2*5000)
				bufs = append(bufs, b)
				submit(t, r, ops.ReadFixed(fd, b, int64(i%10)).WithTag(i))
				if i%3 == 0 {
					_, err := p.Trim()
					require.NoError(t, err)
				}
			}
			for _, c := range byTag(t, take(t, r, len(bufs))) {
				require.NoError(t, c.Err())
				i := c.Tag.(int)
				require.Equal(t, byte('0'+i%10), c.Bytes()[0])
				bufs[i].Release()
			}
		}
		require.NoError(t, p.Close())
		assert.Equal(t, ring.PoolStats{}, p.Stats())
	})
}

func TestFixedPoolPinned(t *testing.T) {
	needs(t, "5.19")
	r, err := ring.New(ring.Config{Pinned: true})
	require.NoError(t, err)
	defer closeRing(t, r)
	p := bufferPool(t, r, ring.PoolConfig{Sizes: []int{4096}, Region: 4096})
	serve(t, r, during(t, func() {
		_, err := r.NewBufferPool(ring.PoolConfig{})
		assert.ErrorIs(t, err, ops.ErrWrongThread)
		_, err = p.Get(1)
		assert.ErrorIs(t, err, ops.ErrWrongThread)
		_, err = p.Trim()
		assert.ErrorIs(t, err, ops.ErrWrongThread)
	}))
	lend(t, p, 1).Release()
	serve(t, r, during(t, func() { lend(t, p, 1).Release() }))
}

// Without privilege RLIMIT_MEMLOCK counts registered memory, and the error says so.
// (trap 40)
func TestFixedPoolBeyondMemlock(t *testing.T) {
	needs(t, "5.19")
	if os.Getuid() != 0 {
		t.Skip("needs root, to lower a limit and to raise it again")
	}
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit))
	defer func() { assert.NoError(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit)) }()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 1 << 20, Max: limit.Max}))
	var get error
	onDyingThread(t, func() {
		asUser(t, 54321)
		r, err := ring.New(ring.Config{Engine: ring.IOURing})
		if !assert.NoError(t, err) {
			return
		}
		defer closeRing(t, r)
		p := bufferPool(t, r, ring.PoolConfig{Region: 2 << 20})
		_, get = p.Get(1)
	})
	require.ErrorIs(t, get, syscall.ENOMEM)
	assert.ErrorContains(t, get, "RLIMIT_MEMLOCK, which is 1048576")
}

// asUser gives the calling thread, and it alone, the credentials of an ordinary
// user.
func asUser(t testing.TB, uid uintptr) {
	t.Helper()
	for _, call := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
		_, _, errno := unix.RawSyscall(call, uid, uid, uid)
		if errno != 0 {
			require.NoError(t, errno)
		}
	}
}

// A request that is under way keeps its buffer through the end of the Ring.
func TestFixedSurvivesClose(t *testing.T) {
	needs(t, "5.19")
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		p := bufferPool(t, r, ring.PoolConfig{})
		rd, _ := pipe(t)
		b := lend(t, p, 10)
		submit(t, r, ops.ReadFixed(rd, b, ops.Current))
		require.NoError(t, r.Close())
		runtime.GC()
		assert.Panics(t, b.Release, "its completion was not taken")
		for _, c := range drain(t, r) {
			assert.True(t, errors.Is(c.Err(), ops.ErrClosed))
		}
		b.Release()
		assert.Equal(t, ring.PoolStats{}, p.Stats())
	})
}
