// Package ring waits for everything at once: requests go in through Submit,
// completions come out of Wait, whatever they are about.
//
//	r, err := ring.New(ring.Config{})
//	...
//	defer r.Close()
//	r.Submit(ops.Read(fd, buf, 0).WithTag("config"))
//	r.Submit(ops.Accept(listener, 0).WithPriority(ops.High))
//	r.Submit(ops.Timer(time.Second))
//	n, err := r.Wait(completions, 1, ring.Forever)
//
// # Ownership modes
//
// A shared Ring, the default, serves any number of goroutines: each may Submit,
// Do, Cancel and Wait. Whoever waits parks in the Go runtime's poller and holds
// no thread; of several, one waits in the kernel and reaps for all.
//
// A pinned Ring (Config.Pinned) belongs to the goroutine that called New, which
// stays locked to its thread until Close, and which alone calls Wait. Others may
// Submit, Cancel, Post and Do: what they submit starts when the owner waits, and
// it is woken for that. This mode costs least per request.
//
// # What starts when
//
// Queue only stages; Wait starts what is staged and waits, in one system call.
// Submit on a shared Ring starts the request before it returns. On a pinned Ring
// it starts at the owner's next Wait or Flush, at once if the owner sits in Wait.
//
// Who keeps a device busy does best to Wait for several completions at a time, a
// quarter of the requests that are under way or so, and to Flush the first few that
// replace them before it goes on: a device that has done all it had is idle until
// then, and may tell of all together.
//
// # Priorities
//
// Requests have a Priority. What waits for its turn goes to the kernel in that
// order, and completions come out of Wait in it. Config.InFlight bounds what the
// kernel has at a time, and so what an urgent request can have before it;
// Config.Reserve keeps the last places for urgent ones. Ageing (Patience) keeps low
// levels moving, unless Config.Strict is set. Reads and writes carry their level
// into the block layer. What the kernel has, it does in its own order. All of it is
// in doc/priorities.md.
//
// # What is promised
//
// Every accepted request yields exactly one terminal completion, whatever
// happens: success, error, Cancel, timeout, Close. Until that completion the
// Ring keeps the request's buffers, and whatever else the kernel uses, reachable
// and in place. An error of Submit means that nothing was accepted.
//
// Cancel and timeouts are attempts: the request may still succeed, and only its
// terminal completion gives the buffers back. A cancelled open, accept or socket
// that succeeded after all is delivered with its descriptor, which the receiver
// closes; this holds for completions taken after Close as well.
//
// Timers and timeouts are kept in user space. They act while some goroutine is
// in Wait or Do, which is whenever somebody could notice. None is early: how late
// they may be, Config.TimerSlack says. For the boottime and realtime clocks a Ring
// has one kernel timer each.
//
// The kernel ends the requests of a thread that exits. Go ends a thread only
// when a goroutine locked to it returns; a shared Ring notices and submits those
// requests again.
package ring
