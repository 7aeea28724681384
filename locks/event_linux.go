package locks

import (
	"github.com/sluicego/sluice/internal/locking"
	"github.com/sluicego/sluice/ops"
)

// EventSize is the number of bytes that an Event takes.
const EventSize = 4

// Event is a flag that processes share, and can wait for. It stays set until it is
// Reset: a request that waits when that happens soon after a Set may miss it.
type Event struct{ e locking.Event }

// EventAt returns the Event in the first EventSize bytes of mem, which is usually a
// mapping that processes share, and must remain mapped. Zero bytes are an event that
// is not set. mem must begin at a multiple of four; ErrInvalid if it does not or is
// too short.
func EventAt(mem []byte) (*Event, error) {
	w, err := WordAt(mem)
	if err != nil {
		return nil, err
	}
	return &Event{locking.Event{Word: w, Keep: mem}}, nil
}

// Wait returns a request that completes when the event is set, at once if it is.
func (e *Event) Wait() ops.Request {
	return ops.Request{Code: ops.CodeEvent, FD: -1, Arg: &e.e}
}

// Set sets the event and wakes all that wait, in all processes. It needs no Ring,
// and never blocks.
func (e *Event) Set() { e.e.Set() }

// Reset makes the event not set.
func (e *Event) Reset() { e.e.Reset() }

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool { return e.e.Try() == 0 }
