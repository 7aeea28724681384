package ring_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// The model of a Ring's file operations are the plain system calls: sequences of
// operations run through a Ring in one folder and as calls in its twin. Every
// result must be the same, and the trees at the end.

// step is an operation, ready to be performed in both folders.
type step struct {
	name string
	req  ops.Request
	call func() (int, error) // in the twin folder

	full     int  // result of a complete transfer; -1 where there is no such thing
	isOpen   bool // the result is a descriptor, which may differ
	compared func(n int)
	opened   func(ours, twin int)
	dropped  func() // the request did not run after all
	alone    bool   // it cannot be part of a chain
}

// model is one run.
type model struct {
	t          testing.TB
	r          *ring.Ring
	ours, twin string
	zones      [3]*zone
	buffers    *ring.BufferPool // nil before kernel 5.19
	release    []func()         // what steps have borrowed
	settled    []func()         // what to compare when the steps of an advance are done in both folders
	trail      []string
}

// zone is a part of the folders that no other zone shares a file with, so that
// steps in different ones may run at the same time.
type zone struct {
	m     *model
	name  string
	files []twins
	late  []twins // to be closed at the end
}

// twins are two descriptors of the same file.
type twins struct{ ours, twin int }

// runModel interprets script.
func runModel(t testing.TB, script []byte) {
	in := &source{script}
	m := &model{t: t, ours: t.TempDir(), twin: t.TempDir()}
	cfg := ring.Config{Pinned: in.pick(2) == 1, Entries: 8, InFlight: []int{0, 1, 2}[in.pick(3)]}
	r, err := ring.New(cfg)
	require.NoError(t, err)
	m.r = r
	m.buffers, _ = r.NewBufferPool(ring.PoolConfig{Sizes: []int{512}, Region: 1 << 16})
	defer func() {
		for _, f := range m.release {
			f()
		}
		assert.NoError(t, r.Close())
		for _, z := range m.zones {
			for _, f := range append(z.files, z.late...) {
				assert.NoError(t, closeTwins(f))
			}
		}
		if t.Failed() {
			t.Logf("%+v: %q", cfg, m.trail)
		}
	}()
	for i := range m.zones {
		z := &zone{m: m, name: fmt.Sprintf("z%d", i)}
		for _, root := range []string{m.ours, m.twin} {
			require.NoError(t, unix.Mkdir(root+"/"+z.name, 0o755))
		}
		m.zones[i] = z
	}
	for len(in.data) > 0 && !t.Failed() {
		m.advance(in, cfg.Pinned)
	}
	sameTrees(t, m.twin, m.ours)
}

// advance performs one step, or some together.
func (m *model) advance(in *source, pinned bool) {
	z := m.zones[in.pick(len(m.zones))]
	kind := in.pick(6)
	if (kind == 2 || kind == 3) && !testkit.KernelHas("5.17") {
		kind = 4 // there an invalid descriptor ends members ahead of it too
	}
	switch kind {
	case 0, 1:
		s := z.step(in)
		m.note("do", s)
		ctx, cancel := context.WithTimeout(m.t.Context(), patience)
		defer cancel()
		c, err := m.r.Do(ctx, drainAtRandom(in, s.req))
		require.NoError(m.t, ctx.Err(), "%s does not end", s.name)
		require.Equal(m.t, err == nil, c.OK(), "%v", err)
		m.compare(s, &c, false)
	case 2:
		m.chain(in, z, ops.Soft)
	case 3:
		m.chain(in, z, ops.Hard)
	case 4:
		m.batch(in)
	case 5:
		if pinned {
			m.batch(in)
		} else {
			m.atOnce(in)
		}
	}
	for _, compare := range m.settled {
		compare()
	}
	m.settled = m.settled[:0]
}

func (m *model) note(how string, steps ...*step) {
	for _, s := range steps {
		m.trail = append(m.trail, how+": "+s.name)
	}
}

// chain performs linked steps. Behind a soft link, a failure and a short transfer
// cancel the rest, and the calls of the twin are not made.
func (m *model) chain(in *source, z *zone, link ops.Link) {
	steps := make([]*step, 2+in.pick(3))
	reqs := make([]ops.Request, len(steps))
	for i := range steps {
		for steps[i] = z.step(in); steps[i].alone; {
			steps[i] = z.step(in)
		}
		reqs[i] = steps[i].req.WithTag(i)
		reqs[i].Link = link
	}
	reqs[0] = drainAtRandom(in, reqs[0])
	reqs[len(reqs)-1].Link = ops.Unlinked
	m.note(fmt.Sprintf("chain %d", link), steps...)
	require.NoError(m.t, m.r.SubmitAll(reqs, nil))
	got := byTag(m.t, take(m.t, m.r, len(reqs)))
	broken := false
	for i, s := range steps {
		c := got[i]
		broken = !m.compare(s, &c, broken) && link == ops.Soft || broken
	}
}

// batch performs steps of all zones, in one submission and any order.
func (m *model) batch(in *source) {
	var steps []*step
	var reqs []ops.Request
	for i, z := range m.zones {
		s := z.step(in)
		steps = append(steps, s)
		reqs = append(reqs, drainAtRandom(in, s.req).WithTag(i).WithPriority(ops.Priority(in.pick(3)-1)))
	}
	m.note("batch", steps...)
	require.NoError(m.t, m.r.SubmitAll(reqs, nil))
	got := byTag(m.t, take(m.t, m.r, len(reqs)))
	for i, s := range steps {
		c := got[i]
		m.compare(s, &c, false)
	}
}

// atOnce performs steps of all zones by goroutines of their own.
func (m *model) atOnce(in *source) {
	var steps [len(m.zones)]*step
	var got [len(m.zones)]ops.Completion
	var all sync.WaitGroup
	for i, z := range m.zones {
		steps[i] = z.step(in)
		m.note("at once", steps[i])
	}
	for i, s := range steps {
		all.Go(func() { got[i], _ = m.r.Do(m.t.Context(), s.req) })
	}
	all.Wait()
	for i, s := range steps {
		m.compare(s, &got[i], false)
	}
}

// compare makes the call of the twin, unless the chain is broken, and compares.
// It reports whether a chain goes on behind the step.
func (m *model) compare(s *step, c *ops.Completion, broken bool) bool {
	if broken {
		assert.Equal(m.t, -int32(syscall.ECANCELED), c.Res, "%s: behind a failure", s.name)
		if s.dropped != nil {
			s.dropped()
		}
		return false
	}
	n, err := s.call()
	if err != nil {
		assert.Equal(m.t, err, c.Errno(), s.name)
		return false
	}
	if !assert.True(m.t, c.OK(), "%s: %v, but the call succeeds", s.name, c.Err()) {
		return false
	}
	if s.isOpen {
		if fd := c.FD(); fd >= 0 {
			s.opened(fd, n)
		} else {
			s.opened(c.Direct().FD(), n)
		}
		return true
	}
	assert.Equal(m.t, n, int(c.Res), s.name)
	if s.compared != nil {
		s.compared(n)
	}
	return s.full < 0 || n == s.full
}

// Fixed sequences, different ones in each run of the test binary's seed.
func TestOperationsAgainstModel(t *testing.T) {
	needs(t, "6.0") // for direct descriptors that the kernel finds a place for
	runs := 60
	if testing.Short() {
		runs = 10
	}
	first := rand.Uint64()
	t.Logf("seeds from %d on", first)
	for i := range runs {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer unix.Umask(unix.Umask(0o022))
			runModel(t, scriptOf(seed))
		})
		if t.Failed() {
			return
		}
	}
}

// scriptOf returns a random script.
func scriptOf(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	script := make([]byte, 1200)
	for i := range script {
		script[i] = byte(rng.Uint32())
	}
	return script
}

func FuzzOperationsAgainstModel(f *testing.F) {
	for seed := range uint64(5) {
		f.Add(scriptOf(seed)[:100]) // short ones, since they are minimized again and again
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		runModel(t, script[:min(len(script), 1000)])
	})
}
