//go:build linux

package main

import (
	"io"

	"github.com/sluicego/sluice/ops"
)

// chunk is a buffer on its way: lent to a source, read into, written, and back
// among the free ones.
type chunk struct {
	source *source
	buf    []byte
	off    int64  // where it starts in the file, or ops.Current
	n      int    // bytes that were read
	data   []byte // of these, the ones to be written still
	ready  bool   // nothing more will be read into it
	end    error  // what was found behind its last byte: nothing, io.EOF, or another error
}

func (k *chunk) read() {
	off := k.off
	if off != ops.Current {
		off += int64(k.n)
	}
	k.source.queue(ops.Read(k.source.fd, k.buf[k.n:], off), k)
}

func (k *chunk) complete(c *ops.Completion) {
	s := k.source
	s.reading--
	k.n += c.N()
	switch {
	case !c.OK():
		k.end = c.Errno()
	case c.N() == 0:
		k.end = io.EOF
	case s.live || k.n == len(k.buf):
		// As much as there is now, or as fits.
	case s.size > 0 && k.off+int64(k.n) == s.size:
		k.end = io.EOF // a short read that ends where the file does
	default:
		k.read() // a short read alone proves nothing
		return
	}
	k.ready = true
	k.data = k.buf[:k.n]
	s.noMore = s.noMore || k.end != nil
}
