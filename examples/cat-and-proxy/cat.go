//go:build linux

package main

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

const (
	// ahead is how many operands are open, or being opened, at a time.
	ahead = 64
	// chunks buffers of chunkSize are read ahead of the output.
	chunks    = 16
	chunkSize = 128 << 10
	// headroom buffers are for the operand whose turn it is. Were those behind
	// it to take all, it could never read its end.
	headroom = 2
)

// cat writes the operands to standard output, one after the other. It looks
// ahead: while the head is being written, those behind it are opened and read,
// as far as there are buffers. The window holds them in order:
//
//	names --> [ opening, opening, ..., reading, reading, head ] --> output
//
// Opens and reads complete in any order, and wait in the window for their turn.
type cat struct {
	loop    *loop
	stats   *stats
	out     *output
	lock    lock
	names   []string  // not in the window yet
	window  []*source // the head is the first
	free    []*chunk
	writing bool // a request on the output is in flight
	stopped bool
	failed  bool // something was reported: the exit status is 1
	closed  bool // nobody reads the output any more
}

func newCat(l *loop, st *stats, out *output, lk lock, names []string) *cat {
	c := &cat{loop: l, stats: st, out: out, lock: lk, names: names}
	memory := make([]byte, chunks*chunkSize)
	for i := range chunks {
		c.free = append(c.free, &chunk{buf: memory[i*chunkSize : (i+1)*chunkSize]})
	}
	return c
}

// advance moves the window on. It runs once for each batch of completions, so
// that everything that was read by then is written by one request.
func (c *cat) advance() bool {
	if c.stopped {
		return false
	}
	c.openAhead()
	c.retire()
	c.readAhead()
	c.write()
	return len(c.window) > 0
}

func (c *cat) openAhead() {
	for len(c.names) > 0 && len(c.window) < ahead {
		if n := len(c.window); n > 0 && c.window[n-1].name == stdin {
			return // what comes after it may not even exist yet
		}
		s := &source{cat: c, name: c.names[0], fd: -1}
		c.names = c.names[1:]
		c.window = append(c.window, s)
		if s.name != stdin {
			s.open()
		}
	}
}

// retire takes operands that are written to their end out of the window, and
// lets the next one know that it has become the head.
func (c *cat) retire() {
	for len(c.window) > 0 {
		s := c.window[0]
		if !s.atHead {
			s.becomeHead()
		}
		if !s.over() {
			return
		}
		if s.err != io.EOF {
			c.report(s.name, s.err)
		}
		s.close()
		c.stats.files++
		c.window = append(c.window[:0], c.window[1:]...)
		c.openAhead()
	}
}

// readAhead gives buffers to those who can use them, the head first. It stops
// at an operand that is live or yet unknown: what is behind it is read later.
func (c *cat) readAhead() {
	for i, s := range c.window {
		for s.wants() && (len(c.free) > headroom || i == 0 && len(c.free) > 0) {
			last := len(c.free) - 1
			s.read(c.free[last])
			c.free = c.free[:last]
		}
		if s.err == nil && (s.live || s.fd < 0 || s.unlocked) {
			return
		}
	}
}

// write starts the next request on the output, if there is something for it.
func (c *cat) write() {
	if c.writing || len(c.window) == 0 {
		return
	}
	if head := c.window[0]; head.spliced && head.err == nil {
		if head.reading == 0 {
			c.writing = true
			head.splice()
		}
		return
	}
	if c.out.gather(c.window) {
		c.writing = true
		c.loop.queue(c.out.write(), c)
	}
}

// complete follows a write: the chunks at the front are used up by that much.
func (c *cat) complete(done *ops.Completion) {
	c.writing = false
	if !done.OK() {
		c.outputFailed(done.Errno())
		return
	}
	n := done.N()
	c.stats.written += int64(n)
	for _, s := range c.window {
		n = s.consume(n)
	}
}

// outputFailed ends the whole of cat: there is nowhere to write to.
func (c *cat) outputFailed(errno unix.Errno) {
	c.stop()
	if errno == unix.EPIPE {
		c.closed = true // the reader has seen enough, which is no error
		return
	}
	c.report("write error", errno)
}

// stop starts nothing any more. What is in flight ends with the ring.
func (c *cat) stop() { c.stopped = true }

// done reports whether every operand was written, or reported.
func (c *cat) done() bool { return len(c.names) == 0 && len(c.window) == 0 }

func (c *cat) report(name string, err error) {
	c.failed = true
	warnf("%s: %v", name, err)
}
