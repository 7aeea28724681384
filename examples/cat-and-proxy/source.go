//go:build linux

package main

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// stdin is the operand that stands for standard input.
const stdin = "-"

var errIsOutput = errors.New("input file is output file")

// source is an operand:
//
//	unopened --open--> reading, or being spliced --> ended, with io.EOF or another error
//	    ^         |
//	    '---------'  an open that failed before it was the operand's turn
//
// A regular file is read in several places at once, at offsets. What has no size
// (a pipe, a terminal, /proc) is read one chunk after the other, at its own
// position; and what is live, that is somebody may be producing it at this
// moment, not before its turn.
type source struct {
	cat     *cat
	name    string
	fd      int   // -1 while not open
	size    int64 // of a regular file when it was opened, else 0
	next    int64 // where the next chunk starts, or ops.Current
	atHead  bool  // it is its turn
	early   bool  // opened before its turn
	live    bool
	held    bool // it is the output file: not to be read before its turn
	spliced bool // see splice.go
	// unlocked: its lock has not been asked for, or not been granted.
	unlocked bool

	reading int      // requests in flight
	chunks  []*chunk // in order; some were read, some are being read
	noMore  bool     // the end, or an error, was found: no more chunks
	outcome error    // of a chain of splices: what ended it, if anything
	err     error    // how it ended, known when everything before is written
}

func (s *source) queue(req ops.Request, h handler) {
	s.reading++
	s.cat.loop.queue(req.WithPriority(ops.Low), h)
}

func (s *source) open() {
	s.early = !s.atHead
	s.queue(ops.Open(s.name, unix.O_RDONLY|unix.O_NOCTTY, 0), s)
}

func (s *source) complete(c *ops.Completion) {
	s.reading--
	switch c.Code {
	case ops.CodeOpen:
		s.opened(c)
	case ops.CodeFlock:
		s.locked(c)
	case ops.CodeSplice:
		s.spliceDone(c)
	case ops.CodePoll:
		if int(c.Target) == s.cat.out.fd {
			s.queue(s.cat.out.fromVia(), s)
		}
	}
}

func (s *source) opened(c *ops.Completion) {
	switch {
	case c.OK():
		s.fd = c.FD()
		s.unlocked = s.cat.lock.wanted
		if !s.unlocked {
			s.examine()
		} else if s.atHead {
			s.acquire()
		}
	case !s.early:
		s.end(c.Errno())
	case s.atHead:
		s.open() // what counts is whether it exists now
	}
}

// becomeHead does what had to wait for the operand's turn.
func (s *source) becomeHead() {
	s.atHead = true
	switch {
	case s.name == stdin:
		s.fd = unix.Stdin
		s.examine()
	case s.unlocked:
		s.acquire()
	case s.held:
		s.examine()
	case s.fd < 0 && s.reading == 0 && s.err == nil:
		s.open()
	}
}

// examine finds out how to read the operand. An fstat(2) of an open file does
// not wait, while the kernel gives every statx request to a worker thread.
func (s *source) examine() {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		s.end(err)
		return
	}
	s.next = ops.Current
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		s.end(unix.EISDIR)
		return
	case unix.S_IFREG:
		if s.size = st.Size; s.size > 0 {
			s.next = s.start()
		}
	case unix.S_IFIFO:
		s.live = true
		s.awaitWriter()
	default:
		s.live = true
	}
	s.held = s.cat.out.is(&st)
	if s.held && s.atHead && s.size > 0 && s.next < s.size {
		s.end(errIsOutput)
		return
	}
	s.spliced = s.cat.out.canSplice(&st)
}

// awaitWriter makes up for an open that did not wait: on a ring a FIFO is opened
// at once, and would seem to be at its end until somebody writes to it.
func (s *source) awaitWriter() {
	if s.name != stdin {
		s.queue(readiness.Once(s.fd, readiness.In), s)
	}
}

// start is where to read from. Somebody else may have begun to read standard
// input.
func (s *source) start() int64 {
	if s.name != stdin {
		return 0
	}
	return s.position()
}

// position is where the descriptor stands.
func (s *source) position() int64 {
	at, err := unix.Seek(s.fd, 0, io.SeekCurrent)
	if err != nil {
		return ops.Current
	}
	return at
}

// wants reports whether another chunk can be read now.
func (s *source) wants() bool {
	switch {
	case s.fd < 0 || s.noMore || s.spliced || s.unlocked:
		return false
	case (s.live || s.held) && !s.atHead:
		return false
	}
	// Beyond the known size there is only the end to be found: one look will do.
	return s.reading == 0 || s.next != ops.Current && s.next < s.size
}

func (s *source) read(k *chunk) {
	*k = chunk{source: s, buf: k.buf, off: s.next}
	if s.next != ops.Current {
		s.next += int64(len(k.buf))
	}
	s.chunks = append(s.chunks, k)
	k.read()
}

// consume drops up to n written bytes from the front, and reports how many of
// the n are left.
func (s *source) consume(n int) int {
	for len(s.chunks) > 0 && s.err == nil {
		k := s.chunks[0]
		used := min(n, len(k.data))
		k.data = k.data[used:]
		n -= used
		if !k.ready || len(k.data) > 0 {
			break
		}
		if k.end != nil {
			s.next = k.off + int64(k.n)
			s.end(k.end)
			break
		}
		s.cat.free = append(s.cat.free, k)
		s.chunks = append(s.chunks[:0], s.chunks[1:]...)
	}
	return n
}

// end notes how the operand ended; everything before that was written.
func (s *source) end(err error) {
	s.noMore = true
	s.err = err
}

// over reports whether the operand can be closed: it has ended, and no request
// uses its descriptor any more.
func (s *source) over() bool {
	s.consume(0)
	return s.err != nil && s.reading == 0
}

// close gives everything back. Standard input stays open, and stands behind what
// was read from it, for the next program to go on from there.
func (s *source) close() {
	s.cat.free = append(s.cat.free, s.chunks...)
	s.chunks = nil
	switch {
	case s.fd < 0:
	case s.name != stdin:
		s.queue(ops.Close(s.fd), s)
	case s.size > 0 && !s.spliced:
		_, _ = unix.Seek(s.fd, s.next, io.SeekStart)
	}
}
