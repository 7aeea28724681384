package ring

import (
	"math/bits"
	"syscall"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// readPlaces is how many ops.ReadFile requests can be in the kernel at a time,
// each with a place of its own in the table of direct descriptors.
const readPlaces = 128

// places is a set of them.
type places [readPlaces / 64]uint64

func (p *places) add(place int)      { p[place/64] |= 1 << (place % 64) }
func (p *places) remove(place int)   { p[place/64] &^= 1 << (place % 64) }
func (p *places) has(place int) bool { return p[place/64]>>(place%64)&1 != 0 }

// fileReads are the ReadFile requests that are in the kernel. Each is a chain of
// three steps with user_data of their own, which name its place. Those of ReadFiles
// lack the last: opening the next file in a place closes the one that was there.
type fileReads struct {
	base    uint32 // the first place in the table
	free    places
	kept    places // may hold the file of a loop that has ended or still runs: see empty
	reads   [readPlaces]fileRead
	waiting []uint64 // requests for which there was no place
}

// fileRead is such a request. Its place is free again when all steps have ended.
type fileRead struct {
	id     uint64
	left   uint8 // steps under way, as bits
	failed uint8 // the first step that failed, steps for none
	opened bool
	closes bool  // it has the last step
	n, res int32 // result of the read, and of the step that failed
}

// The steps, in order.
const (
	stepOpen = iota
	stepRead
	stepClose
	steps
)

// The user_data of a step holds, below udStep, the place and the step.
const (
	stepBits = 2
	udStep   = internal | 1<<16
	udSteps  = udStep + readPlaces<<stepBits // the end of them
)

func udOf(place, step int) uint64 { return udStep | uint64(place)<<stepBits | uint64(step) }

// newFileReads returns one whose places begin at base.
func newFileReads(base uint32) *fileReads {
	f := &fileReads{base: base}
	for i := range f.free {
		f.free[i] = ^uint64(0)
	}
	return f
}

// take returns a free place; -1 when there is none.
func (f *fileReads) take() int {
	for i, word := range f.free {
		if word != 0 {
			place := i*64 + bits.TrailingZeros64(word)
			f.free.remove(place)
			return place
		}
	}
	return -1
}

// handOverFile writes the steps of a ReadFile request into the submission ring. It
// reports false if there is no room.
func (r *Ring) handOverFile(sq *uring.SQ, id uint64, s *slot) bool {
	if sq.Space() < steps {
		return false
	}
	f := r.res.files.read
	place := f.take()
	if place < 0 {
		s.state = starved
		f.waiting = append(f.waiting, id)
		return true
	}
	f.reads[place] = fileRead{id: id, left: 1<<stepClose - 1, failed: steps}
	sqes := [steps]*uring.SQE{sq.Next(), sq.Next()}
	if s.marks&attended != 0 && s.waiter.keeps {
		f.kept.add(place)
	} else {
		f.reads[place].left, f.reads[place].closes = 1<<steps-1, true
		sqes[stepClose] = sq.Next()
	}
	uring.EncodeReadFile(sqes, &s.req, f.base+uint32(place),
		[steps]uint64{udOf(place, stepOpen), udOf(place, stepRead), udOf(place, stepClose)})
	s.result = int32(place)
	r.enter(s)
	return true
}

// arriveStep notes that a step has ended.
func (r *Ring) arriveStep(userData uint64, res int32) {
	place, step := int(userData&^udStep)>>stepBits, uint8(userData&(1<<stepBits-1))
	read := &r.res.files.read.reads[place]
	read.left &^= 1 << step
	switch {
	case res < 0 && step == stepClose && read.opened && (res == ecanceled || res == -int32(syscall.EINTR)):
		// The thread that submitted it has exited (trap 1), and the file is open.
		_, _ = r.u.UpdateFiles(r.res.files.read.base+uint32(place), []int32{-1}) // else the next open closes it
	case res < 0 && step < read.failed:
		read.failed, read.res = step, res
	case res >= 0 && step == stepOpen:
		read.opened = true
	case res >= 0 && step == stepRead:
		read.n = res
	}
	if read.left == 0 {
		r.endRead(place, read)
	}
}

// endRead frees the place, and settles the request with the outcome of its steps.
func (r *Ring) endRead(place int, read *fileRead) {
	f := r.res.files.read
	f.free.add(place)
	if read.closes && f.kept.has(place) {
		if read.failed == steps {
			f.kept.remove(place)
		} else {
			r.empty() // nothing may have been opened over what was there
		}
	}
	if n := len(f.waiting); n != 0 {
		r.feed(f.waiting)
		f.waiting = f.waiting[:0]
	}
	s := r.slots.Get(read.id)
	r.leave(s)
	res := read.n
	if read.failed < steps {
		res = read.res
	}
	r.settle(read.id, s, res, 0)
}

// empty closes the files that were left in places, but those of reads under way. The
// caller holds mu and is the owner of a pinned Ring.
func (r *Ring) empty() {
	if !r.res.files.made {
		return
	}
	f := r.res.files.read
	none, some := make([]int32, readPlaces), false
	for place := range none {
		none[place] = uring.RegisterFilesSkip
		if f.free.has(place) && f.kept.has(place) {
			f.kept.remove(place)
			none[place], some = -1, true
		}
	}
	if some {
		_, _ = r.u.UpdateFiles(f.base, none) // fails only if the Ring is gone, and they with it
	}
}

// feed hands over what had to wait for a resource.
func (r *Ring) feed(ids []uint64) {
	for _, id := range ids {
		if s := r.slots.Get(id); s != nil && s.state == starved {
			r.repeat(id, s)
		}
	}
}

// cancelRead writes the cancels of a ReadFile request: of whichever step it is in.
func (r *Ring) cancelRead(sq *uring.SQ, id uint64, s *slot) bool {
	if sq.Space() < 2 {
		return false
	}
	place := int(s.result)
	uring.EncodeCancel(sq.Next(), udOf(place, stepOpen), internal|id)
	uring.EncodeCancel(sq.Next(), udOf(place, stepRead), internal|id)
	r.asked += 2
	return true
}

// inSteps reports whether req is more than one entry of the submission ring.
func inSteps(req *ops.Request) bool { return req.Code == ops.CodeReadFile }
