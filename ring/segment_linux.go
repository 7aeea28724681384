package ring

import (
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// carriesOn holds the operations after whose failure the kernel goes on with a
// soft chain as if they had succeeded: those that it performs in one call to the
// file system, from 6.0 to 6.18 at least. A chain such as write, fsync, rename
// must not go on like that, so the Ring itself starts what comes behind them.
var carriesOn = [ops.Codes]bool{
	ops.CodeStatx: true, ops.CodeFsync: true, ops.CodeFallocate: true, ops.CodeFtruncate: true,
	ops.CodeShutdown: true, ops.CodeSyncFileRange: true, ops.CodeMadvise: true,
	ops.CodeRename: true, ops.CodeUnlink: true, ops.CodeMkdir: true, ops.CodeSymlink: true, ops.CodeHardlink: true,
	ops.CodeGetxattr: true, ops.CodeSetxattr: true, ops.CodeFgetxattr: true, ops.CodeFsetxattr: true,
}

// segment returns how many members of c the kernel gets at once: up to the first
// behind which the Ring has to look. That is so behind every hard link as well:
// the kernel goes on when a member has ended, but it may have ended in a way that
// makes the Ring repeat it (traps 1 and 10), and the next one must wait for that.
func (r *Ring) segment(c *chain) int {
	for i, id := range c.ids[:len(c.ids)-1] {
		req := &r.slots.Get(id).req
		if req.Link == ops.Hard || carriesOn[req.Code] || req.Code == ops.CodeTimer && r.older.lateTimers ||
			r.aside(id) || r.aside(c.ids[i+1]) || isInstant(&r.slots.Get(c.ids[i+1]).req) {
			return i + 1
		}
	}
	return len(c.ids)
}

// aside reports whether a source carries out the member id.
func (r *Ring) aside(id uint64) bool { return r.sources[r.slots.Get(id).req.Code] != nil }

// isInstant reports whether req is a timer for a point of our own clock. The kernel,
// which knows another, is told how long that is off; which counts from the moment in
// which the timer's turn comes, so the Ring must know that.
func isInstant(req *ops.Request) bool {
	return req.Code == ops.CodeTimer && req.Offset2 != 0 && req.TimerClock() == ops.Monotonic
}

// holdBack keeps the members of c from n on for later.
func (r *Ring) holdBack(c *chain, n int) {
	c.later = c.ids[n:]
	if len(c.later) > 0 {
		r.split++
	}
	for _, id := range c.later {
		r.slots.Get(id).state = again
	}
}

// unlink makes sqe the last of its chain for the kernel.
func unlink(sqe *uring.SQE) { sqe.Flags &^= uring.SQEFlagIOLink | uring.SQEFlagIOHardLink }

// goOn starts what was held back, behind what must be repeated, once all of c
// that the kernel had has left it; or cancels it when that broke the chain.
func (r *Ring) goOn(c *chain) {
	if len(c.later) > 0 {
		r.split--
	}
	if len(c.retry) == 0 && c.broken {
		for _, id := range c.later {
			r.finish(id, r.slots.Get(id), ecanceled, 0)
		}
		return
	}
	r.wentOn = true
	c.retry = append(c.retry, c.later...)
	r.repeatChain(c)
}
