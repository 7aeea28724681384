package locks

import "github.com/sluicego/sluice/internal/locking"

// Stats describes the lock requests of a Ring: see Ring.Locks.
type Stats = locking.Stats
