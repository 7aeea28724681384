package fallback

import "github.com/sluicego/sluice/internal/workers"

func blocking(f func()) {
	w := workers.Park()
	defer w.Unpark()
	f()
}

// Stats describes the workers of a Ring: see Ring.Workers.
type Stats = workers.Stats
