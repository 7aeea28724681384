package ring

import "context"

// readHelper reads files for a ReadFiles loop.
type readHelper struct {
	*readHelpers
	l     *fileReader // on its own Ring
	files []helpFile  // to be delivered
	bufs  [][]byte    // to be read into
	ended bool        // the last of files is the error with which it ends
}

// pathGroup is a queue of paths, from index first to before end, each in the place that
// its index names, modulo their number.
type pathGroup struct {
	first, end int
	paths      [pathGroupSize]string
}

const (
	pathGroupSize = 32
	pathGroups    = 4 // that wait for each helper: enough while the loop is in one system call
)

func (g *pathGroup) len() int   { return g.end - g.first }
func (g *pathGroup) full() bool { return g.len() == pathGroupSize }

func (g *pathGroup) push(path string, index int) {
	if g.len() == 0 {
		g.first = index
	}
	g.paths[index%pathGroupSize], g.end = path, index+1
}

func (g *pathGroup) pop() (path string, index int) {
	path, index = g.paths[g.first%pathGroupSize], g.first
	g.first++
	return path, index
}

// run reads files until there are no more groups, or ctx has ended.
func (h *readHelper) run() {
	defer h.l.r.Close() // what it fails with concerns no request
	defer h.l.end()
	defer context.AfterFunc(h.ctx, h.l.r.lookAgain)()
	h.l.before, h.l.w.other = h.deliver, h.wanted
	for h.group() {
	}
	h.ended = true
	h.deliver()
}

// group reads the files of the next group, and gets on with those under way while there
// is none. It reports whether the loop goes on.
func (h *readHelper) group() bool {
	var g pathGroup
	more := true
	select {
	case g, more = <-h.groups:
	default:
		if h.l.inFlight != 0 {
			return h.l.turn(h.add)
		}
		h.deliver()
		g, more = <-h.groups
	}
	for g.len() != 0 {
		if path, index := g.pop(); !h.l.add(path, index, h.add) || !h.l.makeRoom(h.add) {
			return false
		}
	}
	return more
}

// wanted reports whether there is a group, and room for its paths.
func (h *readHelper) wanted() bool { return len(h.groups) != 0 && len(h.l.free) != 0 }

// add has a file delivered before the helper waits, in its buffer, for which the
// request gets another.
func (h *readHelper) add(data FileData, err error) bool {
	f := helpFile{data: data, err: err}
	if err == nil {
		job := h.l.yielding
		f.buf, job.buf = job.buf, h.buffer()
	}
	h.files = append(h.files, f)
	return true
}

func (h *readHelper) buffer() (buf []byte) {
	n := len(h.bufs)
	if n == 0 {
		return make([]byte, h.l.cfg.Buffer)
	}
	buf, h.bufs = h.bufs[n-1], h.bufs[:n-1]
	return buf
}

// deliver gives the loop what was read, and takes as many buffers of what it has
// yielded meanwhile.
func (h *readHelper) deliver() {
	n := len(h.files)
	if n == 0 {
		return
	}
	r := h.loop.r
	r.mu.Lock()
	defer r.unlock()
	h.came = append(h.came, h.files...)
	h.failed = h.failed || h.ended
	keep := max(len(h.spare)-n, 0)
	h.bufs, h.spare = append(h.bufs, h.spare[keep:]...), h.spare[:keep]
	r.rouse(h.loop.w)
	clear(h.files)
	h.files = h.files[:0]
}
