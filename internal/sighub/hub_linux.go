package sighub

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// Hub takes signals for watches. There is one in a process, since dispositions of
// signals belong to the process. It has a goroutine, locked to a thread of its
// own, from the first watch until a moment after the last has ended.
type Hub struct {
	mu sync.Mutex // guards everything but what is marked otherwise

	watches map[key]*watch
	readers [ops.MaxSignal + 1][]*watch // watches of a signal, oldest first
	wanted  [ops.MaxSignal + 1]int      // how many watches, not counting those that surrendered, and holds it has
	passing [ops.MaxSignal + 1]int      // how many of the watches pass it on

	installed ops.SignalSet // taken away from others
	reading   ops.SignalSet // has readers
	retired   ops.SignalSet // given back, but a late handler may still bring one
	sweepAt   time.Time     // when to look for those; zero for not at all
	sweeps    int           // how often that has been done

	holds   int      // calls of Hold that have not been released
	ending  []*watch // cancelled, to be finished by the goroutine
	running bool     // the goroutine runs
	idle    time.Time
	sys     system

	// Of the goroutine alone.
	reported [ops.MaxSignal + 1]uint64 // losses that watches have been told of
	targets  []target
}

// Signals is the process's hub.
var Signals = &Hub{watches: map[key]*watch{}}

var _ outside.Source = Signals

// key names a request of any Ring.
type key struct {
	sink outside.Sink
	id   uint64
}

// watch is a request for signals. Its life: Start puts it into the table; a first
// signal if it is a one-shot, else Cancel and then the goroutine, takes it out.
type watch struct {
	key
	set    ops.SignalSet
	multi  bool // it goes on after a signal
	pass   bool // hand signals on to the handler before ours
	ending bool // Cancel was called; it still takes what was sent before
	given  bool // its signals have been given back
}

// target is a delivery that is due.
type target struct {
	key
	more bool
}

const (
	linger     = 100 * time.Millisecond // how long the goroutine waits for the next watch
	sweepAfter = 20 * time.Millisecond  // longer than a thread takes to enter the handler
)

// Start opens a watch. When it returns, its signals are taken.
func (h *Hub) Start(id uint64, req *ops.Request, to outside.Sink) (outside.Result, bool) {
	w := &watch{
		key:   key{to, id},
		set:   req.Arg.(ops.SignalSet), // Validate has looked
		multi: req.Mode&ops.Multishot != 0,
		pass:  req.Flags&ops.SignalPassOn != 0,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.want(w.set, w.pass); err != nil {
		return outside.Result{Res: -errnoOf(err)}, true
	}
	h.watches[w.key] = w
	for sig := range w.set.All {
		h.readers[sig] = append(h.readers[sig], w)
	}
	h.setReading(h.reading | w.set)
	return outside.Result{}, false
}

// Cancel ends a watch, which takes the signals that were sent before.
func (h *Hub) Cancel(id uint64, to outside.Sink) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.watches[key{to, id}]
	if w == nil || w.ending {
		return false // its last result is being delivered
	}
	w.ending = true
	h.ending = append(h.ending, w)
	h.sys.poke()
	return false
}

// Hold takes the signals of set and keeps them in the kernel's queue until a
// watch for them opens, as blocking them does in a program with one thread. The
// function that it returns gives them back; what is queued then goes to whoever
// had the signals before.
func (h *Hub) Hold(set ops.SignalSet) (release func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.want(set, false); err != nil {
		return nil, err
	}
	h.holds++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.holds--
		h.unwant(set, false)
		h.rest()
		h.sys.poke()
	}), nil
}

// want takes the signals of set that are not taken yet, or none.
func (h *Hub) want(set ops.SignalSet, pass bool) error {
	if !h.running {
		if err := h.launch(); err != nil {
			return err
		}
	}
	var fresh ops.SignalSet
	for sig := range (set &^ h.installed).All {
		if err := h.sys.install(sig); err != nil {
			for sig := range fresh.All {
				h.sys.uninstall(sig)
			}
			return err
		}
		fresh |= ops.SignalsOf(sig)
	}
	h.installed |= fresh
	h.retired &^= fresh
	for sig := range set.All {
		h.wanted[sig]++
		if !pass {
			continue
		}
		if h.passing[sig]++; h.passing[sig] == 1 {
			h.sys.setPassing(sig, true)
			h.sweepAt, h.sweeps = time.Now(), 0 // a handler may be under way that did not know
			h.sys.poke()                        // and the goroutine asleep
		}
	}
	return nil
}

// unwant gives back the signals of set that nobody else wants.
func (h *Hub) unwant(set ops.SignalSet, pass bool) {
	for sig := range set.All {
		if pass {
			if h.passing[sig]--; h.passing[sig] == 0 {
				h.sys.setPassing(sig, false)
			}
		}
		if h.wanted[sig]--; h.wanted[sig] > 0 {
			continue
		}
		h.sys.uninstall(sig)
		h.installed &^= ops.SignalsOf(sig)
		h.retired |= ops.SignalsOf(sig)
		h.sweepAt, h.sweeps = time.Now(), 0
	}
}

// surrender gives back what a watch alone has wanted.
func (h *Hub) surrender(w *watch) {
	if !w.given {
		w.given = true
		h.unwant(w.set, w.pass)
	}
}

// remove takes a watch out of the table.
func (h *Hub) remove(w *watch) {
	h.surrender(w)
	delete(h.watches, w.key)
	reading := h.reading
	for sig := range w.set.All {
		i := slices.Index(h.readers[sig], w)
		h.readers[sig] = slices.Delete(h.readers[sig], i, i+1)
		if len(h.readers[sig]) == 0 {
			reading &^= ops.SignalsOf(sig)
		}
	}
	h.setReading(reading)
	h.rest()
}

// rest notes since when nobody needs the goroutine.
func (h *Hub) rest() {
	if len(h.watches) == 0 && h.holds == 0 {
		h.idle = time.Now()
	}
}

func (h *Hub) setReading(set ops.SignalSet) {
	if set != h.reading {
		h.reading = set
		h.sys.setReading(set)
	}
}

// errnoOf finds the errno of a failed system call.
func errnoOf(err error) int32 {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return int32(errno)
	}
	return int32(syscall.EIO)
}
