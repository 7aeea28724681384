package ring

import (
	"fmt"
	"sync"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Inbox receives what requests on other Rings send (ops.PostTo, PostDirectTo): each
// message is a completion of the Ring that has made the Inbox, with the code
// ops.CodeInbox, its tag, More set, and the Inbox as Arg. Make one with NewInbox. All
// methods may be called from any goroutine.
type Inbox struct {
	r    *Ring
	name uint64
	fd   int    // a descriptor of the ring of its own, so that no other takes its number
	drop func() // closes it

	// mu guards what follows. It comes after any Ring.mu.
	mu     sync.Mutex
	users  int // requests that send to it
	closed bool
}

// NewInbox makes an Inbox whose messages have the given tag and priority. It is a
// pending request of the Ring, counts as one, and ends as one: by Close, or by Cancel
// of its ID, with a terminal completion that reports ErrCanceled.
//
// It uses a descriptor. What sends to it needs kernel 5.18 (ops.PostTo). It fails with ErrFull when Capacity requests are pending, with
// ErrInvalid for a priority that does not exist, with ErrClosed, and with EMFILE.
func (r *Ring) NewInbox(tag any, p ops.Priority) (*Inbox, error) {
	if !p.Valid() {
		return nil, fmt.Errorf("new inbox: %w", ops.Invalid("%v does not exist", p))
	}
	r.mu.Lock()
	defer r.unlock()
	switch {
	case r.closing:
		return nil, r.errClosed("new inbox")
	case r.room() == 0:
		return nil, fmt.Errorf("new inbox: %w", ops.ErrFull)
	}
	fd, drop, err := r.u.Duplicate()
	if err != nil {
		return nil, fmt.Errorf("new inbox: duplicate the ring's descriptor: %w", err)
	}
	in := &Inbox{r: r, fd: fd, drop: drop}
	s, id := r.slots.Alloc()
	in.name = udLetter | id
	s.req = ops.Request{Code: ops.CodeInbox, Mode: ops.Multishot, FD: -1, Priority: p, Tag: tag, Arg: in}
	s.marks = multi | large
	r.noteLevel(p)
	r.stats.Submitted++
	r.startOutside(id, s)
	return in, nil
}

// ID names the Inbox as a request of its Ring.
func (in *Inbox) ID() ops.ID { return ops.ID(in.name &^ udLetter) }

// Address is for ops.PostTo.
func (in *Inbox) Address() (ring int, name uint64) { return in.fd, in.name }

// String says which Inbox it is, for error messages.
func (in *Inbox) String() string { return fmt.Sprintf("inbox %v", in.ID()) }

// Close ends the Inbox, as Cancel of its ID does. Later messages to it are refused;
// those on their way are dropped. After the first time, and after the Ring's Close, it
// does nothing.
func (in *Inbox) Close() { _ = in.r.Cancel(in.ID()) } // ErrNotFound: it has ended

// hold notes one more request that sends here.
func (in *Inbox) hold() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return fmt.Errorf("%v: %w", in, ops.ErrClosed)
	}
	in.users++
	return nil
}

func (in *Inbox) letGo() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.users--
	in.release()
}

// shut refuses further requests.
func (in *Inbox) shut() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.release()
}

// release closes the descriptor when nobody needs it any more. mu is held.
func (in *Inbox) release() {
	if in.closed && in.users == 0 {
		in.drop() // the ring has another, and nothing is written to it
	}
}

// inboxes is the source of ops.CodeInbox: those of a Ring, by ID. Ring.mu guards it.
type inboxes map[uint64]*Inbox

// Start has nothing to do: messages arrive in the completion ring.
func (m inboxes) Start(id uint64, req *ops.Request, _ outside.Sink) (outside.Result, bool) {
	m[id] = req.Arg.(*Inbox)
	return outside.Result{}, false
}

// Cancel ends an Inbox.
func (m inboxes) Cancel(id uint64, _ outside.Sink) bool {
	m[id].shut()
	delete(m, id)
	return true
}

// arriveLetter notes a message to an inbox; of one that has ended it is dropped.
func (r *Ring) arriveLetter(id uint64, res int32) {
	direct := res&uring.MessageData == 0
	if r.pools.inboxes[id] == nil {
		if direct {
			_, _ = r.u.UpdateFiles(uint32(res), []int32{-1}) // nobody will close it
		}
		return
	}
	a := arrival{id, res &^ uring.MessageData, uring.CQEFlagMore}
	if direct {
		a.flags |= ops.FlagDirect
	}
	r.ready.Push(r.slots.Get(id).req.Priority, a)
}

// leaveInboxes lets go of the inboxes that requests have sent to whose completions
// nobody has taken. The Ring is closed.
func (r *Ring) leaveInboxes() {
	for _, s := range r.slots.All {
		if s.req.Code == ops.CodeMessage || s.req.Code == ops.CodeSendDirect {
			r.letGo(&s.req)
			s.req.Mode &^= ops.Managed // no second time
		}
	}
}

// holdInbox notes one more request that sends to an inbox.
func holdInbox(req *ops.Request) error {
	in, ok := req.Arg.(*Inbox)
	if !ok {
		if req.Code == ops.CodeSendDirect && req.Arg == nil {
			return nil // of Ring.SendDirect
		}
		return ops.Invalid("argument %T: want an *Inbox", req.Arg)
	}
	return in.hold()
}
