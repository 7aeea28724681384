//go:build linux

package main

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// spliceMin is the size from which a file is spliced. Smaller ones are read
// ahead and written several at a time.
const spliceMin = 256 << 10

// canSplice reports whether an operand can get to the output by splice(2), that
// is without passing through this process. One of the two must be a pipe; for
// a socket as output there is one in between.
func (o *output) canSplice(st *unix.Stat_t) bool {
	fromPipe := st.Mode&unix.S_IFMT == unix.S_IFIFO
	switch o.kind() {
	case unix.S_IFIFO, unix.S_IFSOCK:
		regular := st.Mode&unix.S_IFMT == unix.S_IFREG
		socket := st.Mode&unix.S_IFMT == unix.S_IFSOCK
		return fromPipe || socket || regular && st.Size >= spliceMin
	case unix.S_IFREG:
		return fromPipe && !o.appends
	}
	return false
}

// splice moves a part of the head to the output. Unlike the proxy's, these are
// requests: they may have to wait, for the disk or for a slow reader, and do so
// in the one kernel worker that carries out the chain. Hard links keep its
// members in order, and going when one moves less than it could; each starts
// where the file then stands.
func (s *source) splice() {
	s.outcome = nil
	out := s.cat.out
	step := ops.Splice(s.fd, ops.Current, out.fd, ops.Current, pipeSize, unix.SPLICE_F_MOVE)
	chain := []ops.Request{step, step, step, step}
	if out.via != nil {
		in := ops.Splice(s.fd, ops.Current, out.via.w, ops.Current, pipeSize, spliceFlags)
		chain = []ops.Request{in, out.fromVia()}
	}
	s.reading += len(chain)
	s.cat.loop.queueAll(ops.HardChain(chain...), s)
}

// fromVia moves on what the pipe before a socket holds. If that is nothing,
// there is nothing to wait for either.
func (o *output) fromVia() ops.Request {
	return ops.Splice(o.via.r, ops.Current, o.fd, ops.Current, pipeSize, spliceFlags)
}

// spliceDone follows one member of a chain. When it was the last one in flight,
// it is clear how to go on.
func (s *source) spliceDone(c *ops.Completion) {
	out := s.cat.out
	if int(c.Target) == out.fd {
		s.cat.stats.written += int64(c.N())
	}
	switch {
	case out.via == nil:
		s.note(c)
	case int(c.Target) == out.fd:
		out.via.n -= c.N()
		if !c.OK() && c.Errno() != unix.EAGAIN {
			s.cat.outputFailed(c.Errno())
		}
	default:
		out.via.n += c.N()
		s.note(c)
	}
	if s.reading > 0 || s.cat.stopped {
		return
	}
	if out.via != nil && out.via.n > 0 {
		s.queue(readiness.Once(out.fd, readiness.Out), s)
		return
	}
	s.cat.writing = false
	s.spliceOver()
}

// note remembers the first thing that ends a splice.
func (s *source) note(c *ops.Completion) {
	switch {
	case s.outcome != nil:
	case !c.OK():
		s.outcome = c.Errno()
	case c.N() == 0:
		s.outcome = io.EOF
	}
}

// spliceOver decides what follows a chain. For what cannot be spliced after
// all, and for errors, reading and writing take over: these tell which of the
// two sides is to blame.
func (s *source) spliceOver() {
	switch s.outcome {
	case nil:
	case io.EOF:
		s.end(io.EOF)
	case unix.EPIPE:
		s.cat.outputFailed(unix.EPIPE)
	default:
		s.spliced = false
		if s.size > 0 {
			s.next = s.position()
		}
	}
}
