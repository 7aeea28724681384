//go:build linux

package main

import (
	"errors"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// handler is what the Tag of every request points to: a small state machine
// that the request's completions drive.
type handler interface {
	complete(c *ops.Completion)
}

// part is one of the things that the program does at the same time.
type part interface {
	// advance starts what can be started now, and reports whether the part
	// still has something to do. The loop calls it before every Wait, so that it
	// sees what a whole batch of completions has changed.
	advance() bool
}

// loop is the program's only place to wait. Files, connections, timers and
// signals are all requests on one ring, and one goroutine runs everything that
// follows from their completions: no locks, and no state shared with anybody.
type loop struct {
	ring  *ring.Ring
	parts []part
	err   error // what ends the loop before its parts are done
	batch [256]ops.Completion
}

// run waits and dispatches until no part has anything left to do. Requests are
// only staged in between: Wait hands them over and waits in one system call.
func (l *loop) run() error {
	for l.advance() && l.err == nil {
		n, err := l.ring.Wait(l.batch[:], 1, ring.Forever)
		for i := range l.batch[:n] {
			c := &l.batch[i]
			c.Tag.(handler).complete(c)
		}
		if err != nil && !errors.Is(err, ops.ErrWoken) {
			return err
		}
	}
	return l.err
}

func (l *loop) advance() bool {
	busy := false
	for _, p := range l.parts {
		if p.advance() {
			busy = true
		}
	}
	return busy
}

// queue stages req; its completions go to h. That it cannot be staged, because
// the ring's capacity is used up, ends the program: the limits of its parts
// add up to less.
func (l *loop) queue(req ops.Request, h handler) ops.ID {
	req.Tag = h
	id, err := l.ring.Queue(req)
	if err != nil {
		l.fail(err)
	}
	return id
}

// queueAll stages a chain.
func (l *loop) queueAll(reqs []ops.Request, h handler) {
	for i := range reqs {
		reqs[i].Tag = h
	}
	if err := l.ring.QueueAll(reqs, nil); err != nil {
		l.fail(err)
	}
}

// cancel asks for the end of a request. Its terminal completion comes in any
// case, and may be there already.
func (l *loop) cancel(id ops.ID) {
	if err := l.ring.Cancel(id); err != nil && !errors.Is(err, ops.ErrNotFound) {
		l.fail(err)
	}
}

// fail ends the loop with err; the first one counts.
func (l *loop) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}
