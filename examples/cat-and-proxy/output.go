//go:build linux

package main

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// output is standard output: what it is decides how data gets there.
type output struct {
	fd      int
	stat    unix.Stat_t
	appends bool
	via     *pipe    // leads to a socket
	bufs    [][]byte // of the write in flight
}

func newOutput(fd int) (*output, error) {
	o := &output{fd: fd}
	if err := unix.Fstat(fd, &o.stat); err != nil {
		return nil, err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return nil, err
	}
	o.appends = flags&unix.O_APPEND != 0
	switch o.kind() {
	case unix.S_IFSOCK:
		o.via, err = newPipe(pipeSize)
	case unix.S_IFIFO:
		widen(fd, pipeSize)
	}
	return o, err
}

func (o *output) kind() uint32 { return o.stat.Mode & unix.S_IFMT }

// is reports whether st is about the file that is being written. To read that
// would go on until the disk is full.
func (o *output) is(st *unix.Stat_t) bool {
	return o.kind() == unix.S_IFREG && st.Dev == o.stat.Dev && st.Ino == o.stat.Ino
}

// gather collects what can be written now, from the front of the window up to
// the first gap.
func (o *output) gather(window []*source) bool {
	o.bufs = o.bufs[:0]
	for _, s := range window {
		if s.err == nil && (s.spliced || !o.gatherFrom(s)) || s.err != nil && s.err != io.EOF {
			break
		}
	}
	return len(o.bufs) > 0
}

// gatherFrom reports whether it has everything that s will yield.
func (o *output) gatherFrom(s *source) bool {
	for _, k := range s.chunks {
		if !k.ready {
			return false
		}
		if len(k.data) > 0 {
			o.bufs = append(o.bufs, k.data)
		}
		if k.end != nil {
			return k.end == io.EOF
		}
	}
	return false
}

func (o *output) write() ops.Request {
	if len(o.bufs) == 1 {
		return ops.Write(o.fd, o.bufs[0], ops.Current)
	}
	return ops.Writev(o.fd, o.bufs, ops.Current)
}
