package portable

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
)

// The clocks of timeouts.
const (
	monotonic = iota
	boottime
	realtime
	clocks
)

var clockIDs = [clocks]int32{monotonic: unix.CLOCK_MONOTONIC, boottime: unix.CLOCK_BOOTTIME, realtime: unix.CLOCK_REALTIME}

// clock has the requests that wait for a clock, in a heap, and a timerfd that is set
// to the first.
type clock struct {
	fd   int // -1 before it is needed
	heap []*request
	set  int64 // what the timerfd is set to, 0 for nothing
}

// now returns the time of a clock in nanoseconds.
func (e *Engine) now(which uint8) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(clockIDs[which], &ts) // it exists
	return ts.Nano()
}

// timeout starts a timeout (IORING_OP_TIMEOUT). That of so many completions, Off, is
// not offered.
func (e *Engine) timeout(q *request) {
	sqe := &q.call.SQE
	const known = uring.TimeoutAbs | uring.TimeoutBoottime | uring.TimeoutRealtime | uring.TimeoutEtimeSuccess
	if sqe.Len != 1 || sqe.Off != 0 || sqe.OpFlags&^known != 0 {
		e.end(q, einval, 0)
		return
	}
	if sqe.OpFlags&uring.TimeoutEtimeSuccess != 0 {
		q.marks |= unfailing
	}
	switch {
	case sqe.OpFlags&uring.TimeoutBoottime != 0:
		q.clock = boottime
	case sqe.OpFlags&uring.TimeoutRealtime != 0:
		q.clock = realtime
	}
	ts := *at[[2]int64](sqe.Addr)
	q.when = saturated(ts[0], ts[1])
	if sqe.OpFlags&uring.TimeoutAbs == 0 {
		q.when = saturated(0, q.when, e.now(q.clock))
	}
	if err := e.arm(q); err != nil {
		errno, _ := err.(syscall.Errno)
		e.end(q, -int32(errno), 0)
		return
	}
	q.state = timing
	e.expose(q)
}

// saturated returns seconds plus nanoseconds, and never more than there are (trap 39).
func saturated(seconds int64, nanos ...int64) int64 {
	const far = int64(1) << 62
	sum := min(seconds, far/1_000_000_000) * 1_000_000_000
	for _, n := range nanos {
		sum = min(sum+min(n, far), far)
	}
	return sum
}

// arm enters q into the heap of its clock.
func (e *Engine) arm(q *request) error {
	if err := e.openClock(q.clock); err != nil {
		return err
	}
	c := &e.clocks[q.clock]
	q.place = len(c.heap)
	c.heap = append(c.heap, q)
	c.up(q.place)
	c.adjust()
	e.expected++
	return nil
}

// openClock makes the timerfd of a clock, unless there is one.
func (e *Engine) openClock(which uint8) error {
	c := &e.clocks[which]
	if c.fd >= 0 {
		return nil
	}
	fd, err := unix.TimerfdCreate(int(clockIDs[which]), unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return err
	}
	c.fd = fd
	return e.watch(fd, fdClock-int32(which))
}

// disarm takes q out of the heap of its clock.
func (e *Engine) disarm(q *request) {
	e.expected--
	c := &e.clocks[q.clock]
	last := len(c.heap) - 1
	i := q.place
	c.swap(i, last)
	c.heap[last] = nil
	c.heap = c.heap[:last]
	if i < last {
		c.down(i)
		c.up(i)
	}
	c.adjust()
}

// adjust sets the timerfd to the first of the heap, if that comes before what it is
// set to.
func (c *clock) adjust() {
	if len(c.heap) == 0 || c.set != 0 && c.set <= c.heap[0].when {
		return // one that is early finds nothing to do
	}
	c.set = c.heap[0].when
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(c.set, 1))} // zero would disarm it
	_ = unix.TimerfdSettime(c.fd, unix.TFD_TIMER_ABSTIME, &spec, nil)  // its arguments are valid
}

// rang handles the event of a clock.
func (e *Engine) rang(which int) {
	c := &e.clocks[which]
	c.set = 0
	for now := e.now(uint8(which)); len(c.heap) != 0 && c.heap[0].when <= now; {
		q := c.heap[0]
		e.disarm(q)
		if q == &e.sweeps.timer {
			e.sweep()
			continue
		}
		e.end(q, -int32(syscall.ETIME), 0)
	}
	c.adjust()
	e.run()
}

func (c *clock) swap(i, j int) {
	c.heap[i], c.heap[j] = c.heap[j], c.heap[i]
	c.heap[i].place, c.heap[j].place = i, j
}

func (c *clock) up(i int) {
	for i > 0 && c.heap[i].when < c.heap[(i-1)/2].when {
		c.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (c *clock) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c.heap); child++ {
			if c.heap[child].when < c.heap[least].when {
				least = child
			}
		}
		if least == i {
			return
		}
		c.swap(i, least)
		i = least
	}
}
