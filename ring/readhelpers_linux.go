package ring

import (
	"context"
	"sync"
)

// readHelpers are goroutines that read files for a ReadFiles loop, each on a Ring of
// its own. The loop gives them paths in groups, and reads on its own Ring what they
// have no room for. They give it what they have read, with the buffers that it is in.
type readHelpers struct {
	loop    *fileReader
	ctx     context.Context
	cancel  context.CancelFunc
	rings   []*Ring        // theirs
	groups  chan pathGroup // nil before they are started
	running sync.WaitGroup // end waits for them

	paths    pathGroup  // nobody's yet
	lent     int        // paths of theirs whose files were not yielded
	yielding []helpFile // taken from came
	over     bool       // the last of these ends the loop

	// Ring.mu of the loop's Ring guards the rest.
	came   []helpFile
	spare  [][]byte // buffers of files that were yielded
	failed bool     // the last that came is the error with which a helper has ended
}

// helpFile is a file that a helper has read, and the buffer that it was read into.
type helpFile struct {
	data FileData
	err  error
	buf  []byte
}

func newReadHelpers(l *fileReader, ctx context.Context) *readHelpers {
	h := &readHelpers{loop: l}
	h.ctx, h.cancel = context.WithCancel(ctx)
	return h
}

// start starts as many as there are to be, or as can be had.
func (h *readHelpers) start() {
	own, cfg := &h.loop.r.cfg, h.loop.cfg
	for len(h.rings) < cfg.Parallel-1 {
		r, err := New(Config{Engine: own.Engine, Workers: own.Workers, KernelWorkers: own.KernelWorkers})
		if err != nil {
			break
		}
		h.rings = append(h.rings, r)
	}
	cfg.Parallel = 1
	h.groups = make(chan pathGroup, pathGroups*len(h.rings))
	for _, r := range h.rings {
		h.running.Go((&readHelper{readHelpers: h, l: newFileReader(r, h.ctx, cfg)}).run)
	}
}

// take has path read by somebody, and waits until there is room for another. It
// reports whether the loop goes on.
func (h *readHelpers) take(path string, index int, yield func(FileData, error) bool) bool {
	h.paths.push(path, index)
	switch {
	case h.groups == nil:
		if !h.keep(yield) {
			return false
		}
		if len(h.loop.free) == 0 {
			h.start()
		}
	case h.paths.full() && !h.lend() && !h.keep(yield):
		return false
	}
	for len(h.loop.free) == 0 && len(h.groups) == cap(h.groups) {
		if !h.loop.turn(yield) {
			return false
		}
	}
	return true
}

// finish has the paths read that are left.
func (h *readHelpers) finish(yield func(FileData, error) bool) bool {
	for h.paths.len() != 0 && !h.lend() {
		next := h.loop.turn
		if len(h.loop.free) != 0 {
			next = h.keep
		}
		if !next(yield) {
			return false
		}
	}
	return true
}

// lend gives the paths to a helper, if one has room.
func (h *readHelpers) lend() bool {
	select {
	case h.groups <- h.paths:
		h.lent += h.paths.len()
		h.paths.first = h.paths.end
		for _, r := range h.rings {
			r.lookAgain() // one may wait for its files alone
		}
		return true
	default:
		return false
	}
}

// keep has the loop's own Ring, which has room, read the first of the paths.
func (h *readHelpers) keep(yield func(FileData, error) bool) bool {
	path, index := h.paths.pop()
	return h.loop.add(path, index, yield)
}

// have reports whether files have come.
func (h *readHelpers) have() bool { return len(h.came) != 0 }

// swap takes what has come, and gives back the buffers of what was yielded.
func (h *readHelpers) swap() {
	for i := range h.yielding {
		if buf := h.yielding[i].buf; buf != nil {
			h.spare = append(h.spare, buf)
		}
	}
	clear(h.yielding)
	h.came, h.yielding = h.yielding[:0], h.came
	h.over = h.failed
}

// yield yields what swap has taken. It reports whether the loop goes on.
func (h *readHelpers) yield(yield func(FileData, error) bool) bool {
	for i := range h.yielding {
		h.lent--
		if f := &h.yielding[i]; !yield(f.data, f.err) {
			return false
		}
	}
	return !h.over
}

// end waits until no helper is left.
func (h *readHelpers) end() {
	h.cancel()
	if h.groups != nil {
		close(h.groups)
	}
	h.running.Wait()
}
