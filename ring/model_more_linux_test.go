package ring_test

import (
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Steps with registered memory, pipes and whole files: see model_linux_test.go.

// drainAtRandom makes a barrier of some requests. It changes no result.
func drainAtRandom(in *source, req ops.Request) ops.Request {
	if in.pick(8) == 1 {
		return req.WithDrain()
	}
	return req
}

// fixed returns registered memory until the end of the run; none when there is no more.
func (z *zone) fixed(n int) ops.Fixed {
	if z.m.buffers == nil {
		return ops.Fixed{}
	}
	b, err := z.m.buffers.Get(n)
	if err != nil {
		return ops.Fixed{}
	}
	z.m.release = append(z.m.release, b.Release)
	return b
}

func (z *zone) readFixed(in *source, s *step) {
	f, n, off := z.file(in), 1+in.pick(199), in.offset()
	a := z.fixed(n)
	if a.Len() == 0 {
		z.read(in, s)
		return
	}
	b := make([]byte, n)
	s.name, s.full = fmt.Sprintf("read fixed %v %d bytes at %d", f, n, off), n
	s.req = ops.ReadFixed(f.ours, a, off)
	s.call = func() (int, error) { return unix.Pread(f.twin, b, off) }
	s.compared = func(n int) { assert.Equal(z.m.t, b[:n], a.Bytes()[:n], s.name) }
}

func (z *zone) writeFixed(in *source, s *step) {
	f, n, off := z.file(in), 1+in.pick(199), in.offset()
	a := z.fixed(n)
	if a.Len() == 0 {
		z.write(in, s)
		return
	}
	for i := range a.Bytes() {
		a.Bytes()[i] = byte('0' + in.pick(10))
	}
	s.name, s.full = fmt.Sprintf("write fixed %v %d bytes at %d", f, n, off), n
	s.req = ops.WriteFixed(f.ours, a, off)
	s.call = func() (int, error) { return unix.Pwrite(f.twin, a.Bytes(), off) }
}

// pipes returns two pipes of the step's own.
func (z *zone) pipes() (rd, wr twins) {
	var a, b [2]int
	require.NoError(z.m.t, unix.Pipe2(a[:], unix.O_CLOEXEC))
	require.NoError(z.m.t, unix.Pipe2(b[:], unix.O_CLOEXEC))
	rd, wr = twins{a[0], b[0]}, twins{a[1], b[1]}
	z.late = append(z.late, rd, wr)
	return rd, wr
}

// spliceOut moves a part of a file into a pipe.
func (z *zone) spliceOut(in *source, s *step) {
	f, n, off := z.file(in), 1+in.pick(199), in.offset()
	rd, wr := z.pipes()
	s.name, s.full = fmt.Sprintf("splice %d bytes from %v at %d", n, f, off), n
	s.req = ops.Splice(f.ours, off, wr.ours, ops.Current, n, 0)
	s.call = func() (int, error) {
		at := off
		moved, err := unix.Splice(f.twin, &at, wr.twin, nil, n, 0)
		return int(moved), err
	}
	// The pipe refers to the file's pages: a write behind this step in its chain
	// shows in it, in both folders.
	s.compared = func(n int) {
		z.m.settled = append(z.m.settled, func() {
			a, b := make([]byte, n), make([]byte, n)
			if n > 0 {
				_, errA := unix.Read(rd.ours, a)
				_, errB := unix.Read(rd.twin, b)
				assert.Equal(z.m.t, [2]error{}, [2]error{errA, errB}, s.name)
			}
			assert.Equal(z.m.t, b, a, s.name)
		})
	}
}

// spliceIn moves what is in a pipe into a file.
func (z *zone) spliceIn(in *source, s *step) {
	f, n, off := z.file(in), 1+in.pick(199), in.offset()
	rd, wr := z.pipes()
	data := make([]byte, n)
	for i := range data {
		data[i] = byte('a' + in.pick(26))
	}
	for _, fd := range []int{wr.ours, wr.twin} {
		_, err := unix.Write(fd, data)
		require.NoError(z.m.t, err)
	}
	s.name, s.full = fmt.Sprintf("splice %d bytes into %v at %d", n, f, off), n
	s.req = ops.Splice(rd.ours, ops.Current, f.ours, off, n, 0)
	s.call = func() (int, error) {
		at := off
		moved, err := unix.Splice(rd.twin, nil, f.twin, &at, n, 0)
		return int(moved), err
	}
}

// readFile reads a whole file in one request, by three calls.
func (z *zone) readFile(in *source, s *step) {
	name, ours, twin := z.path(in)
	a, b := make([]byte, 1+in.pick(250)), make([]byte, 250)
	b = b[:len(a)]
	s.name, s.alone = fmt.Sprintf("read file %s, %d bytes", name, len(a)), true
	s.req = ops.ReadFile(ours, a)
	s.call = func() (int, error) {
		fd, err := unix.Open(twin, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, err
		}
		defer func() { _ = unix.Close(fd) }()
		return unix.Read(fd, b)
	}
	s.compared = func(n int) { assert.Equal(z.m.t, b[:n], a[:n], s.name) }
}
