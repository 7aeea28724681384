package readiness

import (
	"fmt"
	"strings"

	"github.com/sluicego/sluice/ops"
)

// Events is a set of poll(2) events: what to wait for, and what was found.
type Events uint32

// The events, with the values that Linux gives them in poll(2) and epoll(7).
const (
	// In: a read will not block; a listening socket has a connection to accept.
	In Events = 0x001
	// Pri: there is something exceptional, such as out-of-band data on a TCP
	// socket; what select(2) reports as an exception.
	Pri Events = 0x002
	// Out: a write will not block; a connect(2) has ended, well or not.
	Out Events = 0x004
	// Err: there is an error pending, or the reading end of a pipe is closed.
	// It is reported whether asked for or not.
	Err Events = 0x008
	// Hup: the other end has gone; what it sent before can still be read. It is
	// reported whether asked for or not.
	Hup Events = 0x010
	// Nval: the descriptor is not open. Mostly the completion's error says so.
	Nval Events = 0x020
	// RdNorm is the same as In.
	RdNorm Events = 0x040
	// RdBand: data of a priority band can be read.
	RdBand Events = 0x080
	// RdHup: the peer of a stream socket has shut down its sending side. On the
	// native route it is reported whether asked for or not.
	RdHup Events = 0x2000
)

var eventNames = [...]struct {
	bit  Events
	name string
}{
	{In, "In"}, {Pri, "Pri"}, {Out, "Out"}, {Err, "Err"}, {Hup, "Hup"},
	{Nval, "Nval"}, {RdNorm, "RdNorm"}, {RdBand, "RdBand"}, {RdHup, "RdHup"},
}

// String returns the names of the events, such as "In|Hup", and "none" for the
// empty set.
func (e Events) String() string {
	if e == 0 {
		return "none"
	}
	var names []string
	for _, n := range eventNames {
		if e&n.bit != 0 {
			names = append(names, n.name)
			e &^= n.bit
		}
	}
	if e != 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(e)))
	}
	return strings.Join(names, "|")
}

// Has reports whether e contains one of the events in set.
func (e Events) Has(set Events) bool { return e&set != 0 }

// Of returns the events that a completion of a request of this package found;
// none when it failed, and for the completions of other requests.
func Of(c *ops.Completion) Events {
	if c.Code != ops.CodePoll || c.Res < 0 {
		return 0
	}
	return Events(c.Res)
}
