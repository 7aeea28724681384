// Package outside is the seam between a Ring and what carries out operations
// that its engine does not: worker threads, lock queues, the signal hub.
package outside

import "github.com/sluicego/sluice/ops"

// Source carries out requests of some operations for any number of Rings. The
// Ring calls it with its lock held: a Source must neither block nor call the
// Sink from within Start or Cancel. Only the source of locks, which may have to ask a
// file server, starts requests without that lock, and may block.
type Source interface {
	// Start begins the request that to calls id. req and what it refers to may
	// be used until the terminal Result. It returns the terminal Result and true
	// if the request is done already; else results go to to.Deliver, from any
	// other goroutine, the last one with More false.
	Start(id uint64, req *ops.Request, to Sink) (Result, bool)

	// Cancel tries to end a request that was started and whose terminal Result
	// has not been delivered, as far as the Ring has seen. It returns true if it
	// has ended it: then no Result follows. Otherwise one will.
	Cancel(id uint64, to Sink) bool
}

// Reorderer is a Source whose requests wait in order of priority.
type Reorderer interface {
	// Reorder gives a request that was started, and has not been delivered as far
	// as the Ring has seen, another priority. If it waits for its turn, it goes to
	// the end of that level. It is called as Cancel is.
	Reorder(id uint64, p ops.Priority, to Sink)
}

// Sink takes results. Deliver may be called from any goroutine that holds no
// lock which a Source takes in Start or Cancel.
type Sink interface {
	Deliver(id uint64, r Result)
}

// Result is one completion of a request.
type Result struct {
	Res     int32 // not negative on success, else -errno
	More    bool  // of a multishot request: more will follow
	Brought any   // becomes Completion.Arg; nil leaves the request's
}
