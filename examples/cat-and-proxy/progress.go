//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

const (
	progressEvery = 200 * time.Millisecond
	barWidth      = 30
	// asking is how many operands are asked for their size at a time.
	asking = 32
)

// progress draws a bar on standard error, at every tick of a timer on the ring.
// What there is to come is found out while cat is at work, with statx requests
// that give way to everything else. A total that is not known, as with a pipe
// among the operands, leaves the bar out.
type progress struct {
	loop    *loop
	stats   *stats
	proxy   *proxy // nil without one
	names   []string
	asked   int
	asks    int // in flight
	total   int64
	unknown bool
	timer   ops.ID
}

// sizeOf is a question for the size of an operand.
type sizeOf struct {
	progress *progress
	st       unix.Statx_t
}

func newProgress(l *loop, st *stats, p *proxy, names []string) *progress {
	return &progress{loop: l, stats: st, proxy: p, names: names}
}

// advance never keeps the program going.
func (p *progress) advance() bool {
	if p.timer == 0 {
		p.timer = p.loop.queue(ops.Timer(progressEvery).WithPriority(ops.Lowest), p)
	}
	for p.asked < len(p.names) && p.asks < asking {
		p.ask(p.names[p.asked])
		p.asked++
	}
	return false
}

func (p *progress) ask(name string) {
	q := &sizeOf{progress: p}
	req := ops.Statx(unix.AT_FDCWD, name, 0, unix.STATX_SIZE|unix.STATX_TYPE, &q.st)
	if name == stdin {
		req = ops.StatxFD(unix.Stdin, 0, unix.STATX_SIZE|unix.STATX_TYPE, &q.st)
	}
	p.asks++
	p.loop.queue(req.WithPriority(ops.Lowest), q)
}

// complete follows a statx. Errors are cat's to report.
func (q *sizeOf) complete(c *ops.Completion) {
	p := q.progress
	p.asks--
	switch {
	case !c.OK():
	case q.st.Mode&unix.S_IFMT == unix.S_IFREG:
		p.total += int64(q.st.Size)
	case q.st.Mode&unix.S_IFMT != unix.S_IFDIR:
		p.unknown = true
	}
}

// complete follows a tick.
func (p *progress) complete(c *ops.Completion) {
	p.timer = 0
	if c.OK() {
		p.draw()
	}
}

func (p *progress) draw() {
	var b strings.Builder
	written := p.stats.written
	if p.asked == len(p.names) && p.asks == 0 && !p.unknown && p.total > 0 {
		done := min(1, float64(written)/float64(p.total))
		full := int(done * barWidth)
		fmt.Fprintf(&b, "[%s%s] %3.0f%% of %s  ",
			strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), done*100, size(p.total))
	}
	fmt.Fprintf(&b, "%s  %s/s  %d of %d files", size(written),
		size(rate(written, time.Since(p.stats.begin))), p.stats.files, len(p.names))
	if p.proxy != nil {
		fmt.Fprintf(&b, "  %d connections, %s up, %s down",
			len(p.proxy.conns), size(p.stats.up), size(p.stats.down))
	}
	fmt.Fprintf(os.Stderr, "\r%s\x1b[K", b.String())
}

// finish leaves the last state on a line of its own.
func (p *progress) finish() {
	p.draw()
	fmt.Fprintln(os.Stderr)
}
