package sighub

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// launch starts the goroutine and waits until it can take signals: as long as the
// kernel needs to start a thread.
func (h *Hub) launch() error {
	ready := make(chan error)
	go h.run(ready)
	if err := <-ready; err != nil {
		return err
	}
	h.running = true
	h.reading, h.retired, h.sweepAt = 0, 0, time.Time{}
	return nil
}

// run is the hub's goroutine. It ends its thread with itself: a thread with a
// mask of ours must not serve others.
func (h *Hub) run(ready chan error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The main thread cannot be ended. While it is locked to us, another
		// goroutine gets another thread.
		again := make(chan error)
		go h.run(again)
		err := <-again
		runtime.UnlockOSThread()
		ready <- err
		return
	}
	err := h.sys.start()
	ready <- err
	if err != nil {
		return
	}
	for {
		h.sys.wait(h.patience())
		h.sweep()
		h.drain()
		h.reportLosses()
		h.finishEnding()
		if h.retire() {
			return
		}
	}
}

// patience returns how long the goroutine may sleep; negative for as long as
// nothing happens.
func (h *Hub) patience() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := time.Duration(-1)
	if !h.sweepAt.IsZero() {
		d = max(time.Until(h.sweepAt), 0)
	}
	if len(h.watches) == 0 && h.holds == 0 {
		if end := max(time.Until(h.idle.Add(linger)), 0); d < 0 || end < d {
			d = end
		}
	}
	return d
}

// drain delivers all signals that are there.
func (h *Hub) drain() {
	for {
		h.mu.Lock()
		p := h.sys.plan
		h.sys.plan.look = false
		h.mu.Unlock()
		info := h.sys.read(&p)
		if info == nil {
			return
		}
		h.deliver(&p, info)
	}
}

// deliver hands on what was read by p, if anybody reads it.
func (h *Hub) deliver(p *plan, info *ops.SignalInfo) {
	if p.look || !p.reading.Has(info.Signo) {
		h.mu.Lock()
		h.sys.plan.look = h.sys.plan.look || p.look
		// A watch may have opened since p was made. Its signals are carried already, and
		// would merge if they were put back.
		orphan := !h.reading.Has(info.Signo)
		if orphan {
			h.sys.park(info.Signo) // it came as the carrier when it still had readers
		}
		h.mu.Unlock()
		if orphan {
			return
		}
	}
	h.fanOut(info.Signo, outside.Result{Brought: info})
}

// fanOut delivers r to all watches of sig. One-shots have ended before anybody
// learns of it, so that Cancel does not take them for pending.
func (h *Hub) fanOut(sig syscall.Signal, r outside.Result) {
	h.targets = h.targets[:0]
	h.mu.Lock()
	for _, w := range h.readers[sig] {
		h.targets = append(h.targets, target{w.key, w.multi})
	}
	for _, t := range h.targets {
		if t.more {
			continue
		}
		h.remove(h.watches[t.key])
	}
	h.mu.Unlock()
	for i := range h.targets {
		t := &h.targets[i]
		r.More = t.more
		t.sink.Deliver(t.id, r)
		*t = target{}
	}
}

// reportLosses tells watches how many signals the kernel refused to queue.
func (h *Hub) reportLosses() {
	h.mu.Lock()
	set := h.reading
	h.mu.Unlock()
	for sig := range set.All {
		lost := h.sys.losses(sig)
		if lost == h.reported[sig] {
			continue
		}
		info := &ops.SignalInfo{Signo: sig, Lost: lost - h.reported[sig]}
		h.reported[sig] = lost
		h.fanOut(sig, outside.Result{Res: -int32(syscall.EOVERFLOW), Brought: info})
	}
}

// finishEnding ends the watches that were cancelled. What was sent to them before
// is delivered first, whether a thread has taken it yet or not; then their signals
// are given back, unless others want them, and what threads have taken meanwhile
// is delivered too.
func (h *Hub) finishEnding() {
	h.mu.Lock()
	ending := h.ending
	h.ending = nil
	h.mu.Unlock()
	if len(ending) == 0 {
		return
	}
	h.drain()
	h.mu.Lock()
	for _, w := range ending {
		if h.watches[w.key] == w {
			h.surrender(w)
		}
	}
	given := h.retired != 0
	h.mu.Unlock()
	if given {
		awaitHandlers()
	}
	quiesce()
	h.drain()
	h.reportLosses()
	for _, w := range ending {
		h.mu.Lock()
		pending := h.watches[w.key] == w
		if pending {
			h.remove(w)
		}
		h.mu.Unlock()
		if pending { // else a one-shot had a signal in the end
			w.sink.Deliver(w.id, outside.Result{Res: -int32(syscall.ECANCELED)})
		}
	}
}

// sweep hands on what arrived for signals after they were given back, and finds
// what arrived in the old way after they began to be passed on: once at that time,
// and again when no handler can be under way any more that did not know.
func (h *Hub) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sweepAt.IsZero() || time.Now().Before(h.sweepAt) {
		return
	}
	h.giveBack(h.retired &^ h.reading)
	h.sys.plan.look = true
	if h.sweeps++; h.sweeps < 2 {
		h.sweepAt = time.Now().Add(sweepAfter)
		return
	}
	h.retired, h.sweepAt = 0, time.Time{}
}

// giveBack sends the signals of set that wait at the hub to the process.
func (h *Hub) giveBack(set ops.SignalSet) {
	if set != 0 {
		quiesce()
		h.sys.giveBack(set)
	}
}

// retire ends the goroutine if nobody has needed it for a while.
func (h *Hub) retire() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watches) != 0 || h.holds != 0 || !h.sweepAt.IsZero() || time.Since(h.idle) < linger {
		return false
	}
	h.running = false
	h.sys.stop()
	return true
}
