//go:build linux

package main

import "slices"

// reserve is how many pipes exist from the start to the end, so that connections
// which use up all descriptors can still move their data. When descriptors are so
// short that connections cannot even be made, the last few must do.
const (
	reserve = 16
	lastFew = 4
)

// pipePool lends pipes to flows that have data on its way. A flow at rest holds
// none, so that an idle connection costs its two sockets and nothing else.
type pipePool struct {
	made    int     // pipes that exist
	idle    []*pipe // those that nobody holds; all are empty
	limit   int     // idle ones beyond this are closed
	waiting []*flow // in want of a pipe, while there are no descriptors left
}

// stock makes the reserve, as far as it is missing.
func (pp *pipePool) stock() error {
	for pp.made < min(reserve, pp.limit) {
		p, err := newPipe(pipeSize)
		if err != nil {
			return err
		}
		pp.made++
		pp.idle = append(pp.idle, p)
	}
	return nil
}

// get returns an empty pipe, or nil when there are no descriptors for one.
func (pp *pipePool) get() *pipe {
	if n := len(pp.idle); n > 0 {
		p := pp.idle[n-1]
		pp.idle = pp.idle[:n-1]
		return p
	}
	p, err := newPipe(extraSize)
	if err != nil {
		return nil
	}
	pp.made++
	return p
}

// put takes a pipe back. One that is not empty, since its connection broke,
// cannot be lent again.
func (pp *pipePool) put(p *pipe) {
	if p.n == 0 {
		pp.idle = append(pp.idle, p)
		pp.trim()
		return
	}
	p.close()
	pp.made--
}

// resize sets the number of pipes that may be idle.
func (pp *pipePool) resize(limit int) {
	pp.limit = limit
	pp.trim()
}

func (pp *pipePool) trim() {
	for len(pp.idle) > pp.limit {
		last := len(pp.idle) - 1
		pp.idle[last].close()
		pp.idle = pp.idle[:last]
		pp.made--
	}
}

// wait puts f in the queue of those that serve will give a pipe to.
func (pp *pipePool) wait(f *flow) { pp.waiting = append(pp.waiting, f) }

// forget takes f out of the queue, if it is there.
func (pp *pipePool) forget(f *flow) {
	if i := slices.Index(pp.waiting, f); i >= 0 {
		pp.waiting = slices.Delete(pp.waiting, i, i+1)
	}
}

// serve restores the reserve, and lets waiting flows go on, first come, first
// served.
func (pp *pipePool) serve() {
	_ = pp.stock() // what fails now may not fail the next time
	for len(pp.waiting) > 0 {
		p := pp.get()
		if p == nil {
			return
		}
		f := pp.waiting[0]
		pp.waiting = slices.Delete(pp.waiting, 0, 1)
		f.pipe = p
		f.run()
	}
}
