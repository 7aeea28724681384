package ring

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// Info returns what the Ring runs on.
func (r *Ring) Info() Info {
	return Info{
		Engine:            r.cfg.Engine,
		Reason:            r.reason,
		Kernel:            release(),
		Pinned:            r.cfg.Pinned,
		Flags:             uring.SetupNames(r.u.Flags()),
		Features:          uring.FeatureNames(r.u.Features()),
		Entries:           r.entries,
		CompletionEntries: r.completionEntries,
		Capacity:          r.cfg.Capacity,
		InFlight:          r.cfg.InFlight,
		Reserve:           r.cfg.Reserve,
		RealTime:          r.realTime.Load(),
		Operations:        r.operations(),
	}
}

func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return strings.TrimRight(string(u.Release[:]), "\x00")
}

// Stats returns the counts of this moment.
func (r *Ring) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Pending = r.pending()
	s.InKernel = r.inKernel
	s.Queued = r.queue.Len() + r.barrier.held.Len()
	s.Ready = r.ready.Len()
	s.Timers = r.timers.Len() + r.time.running()
	return s
}
