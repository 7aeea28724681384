package ring

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicego/sluice/internal/goid"
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/prio"
	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Ring accepts requests and delivers their completions. Make one with New; the
// package comment describes it. Its methods may be called from any goroutine,
// except that Wait, Completions and, to have an effect at once, Flush of a
// pinned Ring are its owner's.
type Ring struct {
	cfg    Config
	reason string // why this engine was chosen

	realTime atomic.Bool // Highest has the real-time class in the block layer; changed under mu

	entries, completionEntries int // sizes of the two rings

	sources [ops.Codes]outside.Source // nil for operations of the kernel
	pools   pools                     // those of the sources that are its own
	ways    [256]way                  // of operations, by code
	locking [256]bool                 // operations of pools.locks, by code
	older   older                     // what it lacks of others

	// mu guards everything below. It is never held across a system call that
	// can block. Under it are locked a poller's deadline, and what sources lock.
	mu sync.Mutex
	u  *uring.Ring
	sq *uring.SQ // u.SQ
	cq *uring.CQ // u.CQ

	slots    slots.Table[slot]
	queue    prio.Order          // slots of what was not yet handed over: requests, and chains by their first
	cancels  []uint64            // requests to cancel; ahead of everything
	again    []uint64            // to be handed over once more; ahead of the queue
	idle     []uint64            // level-triggered polls whose event was delivered
	ready    prio.Queue[arrival] // completed, not yet taken
	rare     rare                // what few of the slots have
	timers   timers.Heap         // deadlines
	res      resources           // what is registered with the kernel
	barrier  barrier             // what waits for others to end, and holds others up
	inKernel int                 // requests in the submission ring or the kernel
	asked    int                 // cancels there, whose answer is to come
	split    int                 // chains that need us between members: see want
	wentOn   bool                // Ring.again has what comes next in a chain
	held     [urgencies]int      // of these, those of each step, where a reserve is kept
	haste    haste               // and those that hold back others
	time     timekeeping         // timers
	outside  int                 // requests with a source
	attempts attempts            // locks that are about to be tried
	entering int                 // goroutines in push's system call
	now      readingNow          // Dos that read without the engine
	level    ops.Priority        // of every pending request, unless mixed
	mixed    bool                // pending requests differ in priority
	staged   ops.Priority        // least urgent request in the submission ring since the last publish

	routes    [ops.Codes]routing // of operations without a source
	permitted [ops.Codes]bool    // operations that no restriction forbids, as far as that was asked
	companion companion          // carries out what the kernel's ring does not
	chores    bool               // fill has more to do than to hand requests over

	doing   int     // Do calls whose request is pending
	spare   *waiter // for the next Do
	woken   bool    // Wake was called and no Wait has reported it
	closing bool    // Close was called
	closed  bool    // the engine is gone, or about to be
	broken  error   // the engine failed for good

	gone chan struct{} // closed when tearDown is through

	// fixedMu guards which regions are registered. It comes after the mu of a pool.
	fixedMu sync.Mutex

	shared sharing   // who waits, in shared mode
	owner  ownership // who waits, in pinned mode
	export *export   // for FD, nil before
	stats  Stats
}

// open holds every Ring until its Close has succeeded. A Ring that its user
// forgot would otherwise be collected together with the buffers that the kernel
// still writes to.
var open sync.Map

// New makes a Ring.
//
// It fails with ErrInvalid for a Config out of range, with ErrNotSupported where
// the engine is not to be had (the message says what forbids it), and with the
// errno of what ran short: EMFILE for RLIMIT_NOFILE, ENOMEM for RLIMIT_MEMLOCK.
//
// A Ring uses two descriptors, and on the portable engine four. A pinned Ring locks the calling goroutine to its
// thread until Close.
func New(cfg Config) (*Ring, error) {
	direct := cfg.DirectFiles > 0
	if err := cfg.normalize(); err != nil {
		return nil, fmt.Errorf("ring.New: %w", err)
	}
	reason, err := choose(&cfg)
	if err != nil {
		return nil, fmt.Errorf("ring.New: %w", err)
	}
	r := &Ring{cfg: cfg, reason: reason, staged: ops.Highest, gone: make(chan struct{})}
	r.slots = slots.New[slot](cfg.Capacity)
	if !cfg.Strict {
		r.queue.Patience = Patience
	}
	r.time.fire = r.fireTimer
	if cfg.Pinned {
		runtime.LockOSThread()
	}
	if err := r.start(); err != nil {
		if cfg.Pinned {
			runtime.UnlockOSThread()
		}
		return nil, fmt.Errorf("ring.New: %w", err)
	}
	open.Store(r, nil)
	if direct {
		if err := r.needDirects(); err != nil {
			return nil, fmt.Errorf("ring.New: %w", errors.Join(err, r.Close()))
		}
	}
	return r, nil
}

// start sets up the engine, and what waiting on it needs.
func (r *Ring) start() (err error) {
	if err := r.startEngine(); err != nil {
		return err
	}
	r.sq, r.cq = r.u.SQ, r.u.CQ
	r.entries, r.completionEntries = int(r.u.SQ.Entries()), int(r.u.CQ.Entries())
	if r.cfg.Pinned {
		r.owner.goroutine.Store(goid.Current())
		err = r.startPinned()
	} else {
		r.shared.poller, err = newPoller(r)
	}
	if err != nil {
		return errors.Join(err, r.u.Close())
	}
	r.res.bundles = r.u.Features()&uring.FeatRecvSendBundle != 0
	r.attach()
	r.learn()
	return nil
}

// until returns the Instant that lies timeout ahead; Never for negative ones.
func until(timeout time.Duration) ops.Instant {
	if timeout < 0 {
		return ops.Never
	}
	return ops.Now().Add(timeout)
}
