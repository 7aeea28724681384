//go:build linux

package main

import (
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// rounds is how often a flow may fill and drain its pipe before it is the
// others' turn. Nearly always one of its two sockets has enough before that; to
// go on until then costs a third less for a byte than to poll after each round.
const rounds = 16

// flow is one direction of a connection:
//
//	          In                  some data
//	at rest ------> fill the pipe ---------> drain the pipe
//	   ^              |   |   |   <---------    |      ^
//	   |   nothing    |   |   |       empty     |      | Out
//	   '--------------'   |   |                 v      |
//	                      |   |             dst is full: wait
//	   no pipe to be had: |   | end of src
//	   wait in the pool's v   v
//	   queue               done: dst is told with shutdown(2)
//
// Any error breaks the connection. A flow has at most one request in flight, a
// poll, and holds a pipe only from fill to empty. What a slow reader does not
// take stays in one pipe and then in the socket buffers of the fast sender,
// which TCP makes wait.
type flow struct {
	conn     *conn
	src, dst int
	pipe     *pipe
	moved    *int64 // bytes that have reached a dst, for the statistics
	poll     ops.ID // in flight, or 0
	done     bool
}

func (f *flow) start(c *conn, src, dst int, moved *int64) {
	*f = flow{conn: c, src: src, dst: dst, moved: moved}
	f.await(src, readiness.In|readiness.RdHup)
}

func (f *flow) await(fd int, events readiness.Events) {
	f.poll = f.conn.queue(readiness.Once(fd, events), f)
}

// complete follows a poll. Which event came does not matter: the splice finds
// out, errors and hang-ups included.
func (f *flow) complete(c *ops.Completion) {
	f.poll = 0
	f.conn.pending--
	switch {
	case f.conn.broken:
		f.conn.settle()
	case !c.OK():
		f.conn.abort()
	default:
		f.run()
	}
}

// run moves data until src has no more, dst takes no more, or it is the others'
// turn.
func (f *flow) run() {
	for round := range rounds {
		if f.pipe == nil {
			if f.pipe = f.conn.proxy.pipes.get(); f.pipe == nil {
				f.conn.proxy.pipes.wait(f)
				return
			}
		}
		if f.pipe.n == 0 && !f.fill(round == 0) {
			return
		}
		if !f.drain() {
			return
		}
	}
	f.rest()
}

// fill reports whether there is something to drain now. That src has nothing although
// a poll has just said so means that splice does not get past an urgent byte.
func (f *flow) fill(polled bool) bool {
	n, err := f.pipe.fill(f.src)
	if err == unix.EAGAIN && polled {
		n, err = f.pipe.copy(f.src)
	}
	switch {
	case err == unix.EAGAIN:
		f.rest()
		return false
	case err != nil:
		f.conn.abort()
		return false
	case n == 0:
		f.finish()
		return false
	}
	return true
}

// drain reports whether the pipe is empty again.
func (f *flow) drain() bool {
	n, err := f.pipe.drain(f.dst)
	*f.moved += int64(n)
	switch {
	case err == unix.EAGAIN || err == nil && f.pipe.n > 0:
		f.await(f.dst, readiness.Out)
		return false
	case err != nil:
		f.conn.abort()
		return false
	}
	return true
}

// rest waits for src, without a pipe.
func (f *flow) rest() {
	f.giveBack()
	f.await(f.src, readiness.In|readiness.RdHup)
}

// finish passes the end of src on to dst: the other direction may go on for as
// long as it likes.
func (f *flow) finish() {
	f.giveBack()
	f.done = true
	if err := unix.Shutdown(f.dst, unix.SHUT_WR); err != nil {
		f.conn.abort()
		return
	}
	f.conn.settle()
}

// stop ends what the flow has going, for a connection that broke.
func (f *flow) stop() {
	f.done = true
	f.giveBack()
	f.conn.proxy.pipes.forget(f)
	if f.poll != 0 {
		f.conn.proxy.loop.cancel(f.poll)
	}
}

func (f *flow) giveBack() {
	if f.pipe != nil {
		f.conn.proxy.pipes.put(f.pipe)
		f.pipe = nil
	}
}
