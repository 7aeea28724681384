package ring

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/timers"
	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// clock is one whose course only the kernel knows: it goes on during a suspend, or
// is set. Its timers are in a wheel as others are; one timer of the kernel, for the
// first of them, tells when to look. Ring.mu guards it.
type clock struct {
	clockSource
	wheel    *timers.Wheel[timerExtra]
	until    ops.Instant // what the source is set to; Never for nothing
	watchers []uint64    // requests to be told when the clock is set
	watched  bool        // the source was told of them
	userData uint64      // of the poll on the source
	polled   bool        // that is in the ring
}

// clockSource is a clock of the kernel's and a timer that goes by it. Instants are
// nanoseconds of that clock.
type clockSource interface {
	now() ops.Instant
	// set makes the descriptor readable at when, and if watch says so when the clock
	// is set; not before, whatever it was. It reports true if it was watched and the
	// clock has been set since it rang last.
	set(when ops.Instant, watch bool) (wasSet bool)
	// rang is called when the descriptor was readable, and makes it unreadable. It
	// reports whether the clock was set.
	rang() (wasSet bool)
	fd() int
	close() error
}

// newClockSource makes the source of a clock. Tests replace it.
var newClockSource = newTimerfd

// openClock makes a clock other than the monotonic one ready for timers.
func (r *Ring) openClock(which ops.Clock) error {
	if which == ops.Monotonic || r.time.clocks[which-1] != nil {
		return nil
	}
	source, err := newClockSource(which)
	if err != nil {
		return err
	}
	r.time.clocks[which-1] = &clock{
		clockSource: source,
		wheel:       timers.NewWheel(&r.time.set, source.now()),
		until:       ops.Never,
		userData:    udClock + uint64(which) - 1,
	}
	return nil
}

func (r *Ring) closeClocks() (err error) {
	for _, c := range r.time.clocks {
		if c != nil {
			err = errors.Join(err, c.close())
		}
	}
	return err
}

// clockNow returns the time of a clock, which is open.
func (r *Ring) clockNow(which ops.Clock) ops.Instant {
	if which == ops.Monotonic {
		return ops.Now()
	}
	return r.time.clocks[which-1].now()
}

// add enters a timer.
func (c *clock) add(r *Ring, id uint64, when ops.Instant) {
	c.wheel.Expire(c.now(), r.time.fire) // should the clock have been set back, the wheel follows
	c.wheel.Add(id, when)
	c.adjust(r)
	r.notify()
}

// wanted returns what the source should be set to.
func (c *clock) wanted(r *Ring) (next ops.Instant, watch bool) {
	if next = c.wheel.Next(); next != ops.Never {
		next = next.Add(r.cfg.TimerSlack)
	}
	return next, len(c.watchers) != 0
}

// adjust sets the source if it must ring sooner than it would, or for something
// else.
func (c *clock) adjust(r *Ring) {
	if next, watch := c.wanted(r); next < c.until || watch != c.watched {
		c.apply(r)
	}
	if !c.polled && (c.wheel.Len() != 0 || len(c.watchers) != 0) {
		r.chores = true
	}
}

// apply sets the source to what is wanted.
func (c *clock) apply(r *Ring) {
	for {
		c.until, c.watched = c.wanted(r)
		if !c.set(c.until, c.watched) {
			return
		}
		c.tell(r)
	}
}

// tell reports to the watchers that the clock was set.
func (c *clock) tell(r *Ring) {
	watchers := c.watchers
	c.watchers = nil
	for _, id := range watchers {
		t := r.time.set.Get(id)
		setState(t, told)
		r.ready.Push(t.Priority(), arrival{id, 1, uring.CQEFlagMore})
	}
}

// watchClock lets a request wait for its clock to be set.
func (r *Ring) watchClock(id uint64, t *timer) {
	setState(t, watcher)
	c := r.time.clocks[clockOf(t)-1]
	c.watchers = append(c.watchers, id)
	c.adjust(r)
	r.notify()
}

func (c *clock) unwatch(r *Ring, id uint64) {
	i := slices.Index(c.watchers, id)
	c.watchers = slices.Delete(c.watchers, i, i+1)
	c.adjust(r)
}

// listenClocks polls the sources that are needed.
func (r *Ring) listenClocks(sq *uring.SQ) {
	for _, c := range r.time.clocks {
		if c == nil || c.polled || c.wheel.Len() == 0 && len(c.watchers) == 0 {
			continue
		}
		sqe := sq.Next()
		if sqe == nil {
			r.chores = true // next time
			return
		}
		uring.EncodePoll(sqe, int32(c.fd()), unix.POLLIN, false, c.userData)
		c.polled = true
	}
}

// clockRang handles the end of a poll on a clock's source: its time has come, or
// the clock was set, or the thread that submitted the poll has exited.
func (r *Ring) clockRang(c *clock) {
	c.polled = false
	if c.rang() {
		c.tell(r)
	}
	c.wheel.Expire(c.now(), r.time.fire)
	c.apply(r)
	c.adjust(r) // polls it again, if it is needed
}
