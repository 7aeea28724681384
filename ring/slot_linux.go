package ring

import (
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// slot is a pending request. Its life:
//
//	accept -> queued -> inKernel -> ready -> (taken: the slot is free)
//
// with side ways: what must be handed over once more goes from inKernel to again
// and back to inKernel; a multishot request that has ended goes from inKernel to
// idle until its event is taken, and then to again; one that found no buffer or the
// like goes from inKernel to starved and, when there is one, to again; operations
// that have a source go from accept, in a chain from queued or again, to elsewhere and
// on to ready. Timers outside of chains have no slot: see timer.
//
// A request without marks is all in the first two cache lines of its slot: those of
// a slot and its name that are touched on the straight way. See TestSlotSize.
type slot struct {
	state  state
	cause  ops.Cause
	marks  mark
	result int32 // what a managed request has to remember: see arriveZC, starve, handOverFile, setPriorityLater

	req    ops.Request
	waiter *waiter // the Do that waits for it, or nil
	chain  *chain  // the group it is part of, or nil
}

// rare is what few pending requests have, by their names. A slot has no room for it:
// with its name it fills two cache lines and a half.
type rare struct {
	brought map[uint64][]any // what arrivals brought from a source, in order
	missed  map[uint64]uint8 // cancels that did not find the request, up to a limit
}

// bring adds what an arrival of the request id has brought.
func (m *rare) bring(id uint64, v any) {
	if m.brought == nil {
		m.brought = make(map[uint64][]any)
	}
	m.brought[id] = append(m.brought[id], v)
}

// take returns what the next arrival of the request id has brought, if anything.
func (m *rare) take(id uint64) (v any) {
	switch all := m.brought[id]; len(all) {
	case 0:
	case 1:
		v = all[0]
		delete(m.brought, id)
	default:
		v = all[0]
		m.brought[id] = all[1:]
	}
	return v
}

// miss counts a cancel that did not find the request id, and returns how many there
// were before.
func (m *rare) miss(id uint64) uint8 {
	if m.missed == nil {
		m.missed = make(map[uint64]uint8)
	}
	n := m.missed[id]
	m.missed[id] = min(n+1, 6)
	return n
}

// forget ends what there is of the request id.
func (m *rare) forget(id uint64) {
	delete(m.brought, id)
	delete(m.missed, id)
}

// state is where a pending request is.
type state uint8

const (
	queued    state = iota + 1 // in Ring.queue, or held up by a barrier
	inKernel                   // in the submission ring or in the kernel
	again                      // in Ring.again, to be handed over once more
	starting                   // its source may be about to have it: see attempt
	elsewhere                  // with a source
	idle                       // a multishot request between two events, to be armed again
	starved                    // waits for a resource, such as a buffer of its group
	ready                      // done: its terminal completion is in Ring.ready
)

// mark is a set of facts about a pending request. Requests without any take the
// short way through reap.
type mark uint16

const (
	canceling mark = 1 << iota // a cancel was sent to the kernel
	timed                      // Ring.timers has an entry for it
	urgentIO                   // what is in the kernel has the real-time class of the block layer
	polling                    // what is in the kernel is a poll ahead of the request
	pollOut                    // the next such poll of a splice is for its output
	needsPoll                  // hand over a poll first
	multi                      // multishot
	managed                    // see resources
	awaited                    // the barrier waits for its end
	draining                   // it is the barrier, or a part of it
	large                      // req has what is not on its first cache line: see put
	attended                   // waiter is not nil
	chained                    // chain is not nil
	plainly                    // by an older opcode: see uring.Plain
	apart                      // by the companion
	probing                    // what is in the kernel asks whether a restriction forbids it
)

// arrival is an entry of the ready queue: a completion not yet taken.
type arrival struct {
	id    uint64
	res   int32
	flags uint32 // uring.CQEFlag bits; CQEFlagMore for all but the terminal one
}

func (a *arrival) more() bool { return a.flags&uring.CQEFlagMore != 0 }

// udLetter, in user_data, marks a message to the inbox whose ID is in the other bits.
const udLetter = 3 << 62

// user_data values with this bit set are the ring's own, never a request's: those
// below, for a cancel this bit and its target, which is above any of them, and those of
// udLetter.
const internal = 1 << 63

const (
	udWake      = internal | iota // the poll on the wake-up eventfd
	udNop                         // makes the ring's descriptor readable
	udClock                       // the poll on the boottime clock's source
	_                             // and on the realtime clock's
	udCompanion                   // the poll on the companion
)
