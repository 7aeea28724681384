package ring

import (
	"runtime"
	"time"

	"github.com/sluicego/sluice/internal/perform"
	"github.com/sluicego/sluice/ops"
)

// readingNow is how a Do reads what is cached: by itself, with a system call that
// does not wait for data, which costs half of what a ring takes for it. Whether it is
// cached only the attempt shows. One that was in vain, or has waited for the device
// (O_DIRECT), makes the next Dos take the engine: twice as many each time.
// See decision 0011.
type readingNow struct {
	busy  bool  // one is under way: no more than one thread of a Ring waits for a device
	vain  uint8 // attempts in vain in a row, at most pauseBits
	pause uint8 // Dos that are to take the engine first
	tick  uint8 // the attempt is timed when this is 0
}

const (
	pauseBits   = 6 // up to 64 Dos
	timedOneIn  = 16
	longReading = 20 * time.Microsecond
	shortBuffer = 64 << 10 // bytes; what it costs to hand over longer reads does not matter
)

// readsNow reports whether a Do may read without the engine: nobody is ahead of it,
// nothing waits to be handed over, which a Do does, or for a time that it looks after, and
// the request says nothing that the engine would have to know.
func (r *Ring) readsNow(req *ops.Request) bool {
	if req.Code != ops.CodeRead || req.Link != ops.Unlinked || req.Mode != 0 || req.Priority != ops.Normal ||
		req.Flags != 0 || req.FD < 0 || req.Offset < 0 || uint(len(req.Buf)-1) >= shortBuffer || req.Arg != nil ||
		req.Offset2|int64(req.FD2)|int64(req.Index)|int64(req.Personality)|int64(req.Timeout)|int64(req.Deadline) != 0 {
		return false
	}
	if r.ways[ops.CodeRead] == roundabout || r.now.busy || !r.vacant(1) || r.u.SQ.Unsubmitted() != 0 ||
		r.timers.Len() != 0 || r.time.set.Len() != 0 || r.broken != nil {
		return false
	}
	if r.now.pause != 0 {
		r.now.pause--
		return false
	}
	return true
}

// readNow is a Do without the engine. It reports false if it has done nothing. It is
// called with mu held, and releases it meanwhile.
func (r *Ring) readNow(req *ops.Request, c *ops.Completion) bool {
	_, id := r.slots.Alloc()
	r.slots.Free(id) // the name is used up
	now, begin := &r.now, ops.Instant(0)
	if now.tick = (now.tick + 1) % timedOneIn; now.tick == 0 {
		begin = ops.Now()
	}
	now.busy = true
	r.entering++
	r.unlock()
	n, ok := perform.ReadNow(req.FD, req.Buf, req.Offset)
	runtime.KeepAlive(req.Keep)
	r.mu.Lock()
	r.entering--
	now.busy = false
	if r.closing && r.drained() {
		r.rouseAll() // somebody is in Close
	}
	switch {
	case !ok:
		now.vain = min(now.vain+1, pauseBits)
		now.pause = 1<<now.vain - 1
		return false
	case begin != 0 && ops.Now().Sub(begin) > longReading:
		now.vain, now.pause, now.tick = pauseBits, 1<<pauseBits, timedOneIn-1
	default:
		now.vain = 0
	}
	r.stats.Submitted++
	r.stats.Completed++
	c.ID, c.Tag, c.Code, c.Target, c.Res, c.Buf = ops.ID(id), req.Tag, req.Code, req.FD, n, req.Buf
	return true
}
