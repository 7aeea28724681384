package ring

import (
	"fmt"
	"time"

	"github.com/sluicego/sluice/internal/slots"
	"github.com/sluicego/sluice/ops"
)

// Engine is what carries requests out.
type Engine uint8

const (
	// Auto takes io_uring, and the portable engine where io_uring is refused.
	Auto Engine = iota
	// IOURing is io_uring, kernel 5.11 or later; New fails without it.
	IOURing
	// Portable is epoll and worker threads, with the same results. It works where
	// io_uring is forbidden; Info tells what else is different.
	Portable
)

// String returns the name that ParseEngine reads.
func (e Engine) String() string {
	switch e {
	case Auto:
		return "auto"
	case IOURing:
		return "iouring"
	case Portable:
		return "portable"
	}
	return fmt.Sprintf("engine(%d)", uint8(e))
}

// ParseEngine returns the engine of that name: auto, iouring or portable. The
// empty name is Auto.
func ParseEngine(name string) (Engine, error) {
	switch name {
	case "", "auto":
		return Auto, nil
	case "iouring":
		return IOURing, nil
	case "portable":
		return Portable, nil
	}
	return Auto, ops.Invalid("engine %q: want auto, iouring or portable", name)
}

// Forever as a timeout means none. Every negative timeout does.
const Forever time.Duration = -1

// Defaults and limits of Config.
const (
	DefaultEntries       = 256
	MaxEntries           = 32768
	DefaultCapacity      = 1 << 16
	MaxCapacity          = slots.MaxCapacity
	DefaultKernelWorkers = 512
	MaxKernelWorkers     = 32768
	DefaultCloseTimeout  = 10 * time.Second
	DefaultWorkers       = 64
	MaxWorkers           = 4096
	DefaultLockThreads   = 64
	MaxLockThreads       = 4096
	DefaultDirectFiles   = 1024
	MaxDirectFiles       = 1 << 19
)

// Patience is how often the first request of a level lets more urgent ones be
// handed over before it, unless Config.Strict is set. Then its turn has come; at
// most the first requests of the four other levels, if their patience has ended as
// well, still go before it. So of any Patience + 5 requests that are handed over, a
// level that has some waiting all the time, and room in the window, gets at least
// one; the most urgent one still gets all but 4 of 68.
const Patience = 64

// Config says what Ring to make. The zero Config is a good one. Values outside
// a field's range make New fail with ErrInvalid.
type Config struct {
	// Engine is the engine to use. Auto, the default, obeys the environment
	// variable SLUICE_ENGINE (auto, iouring, portable), and takes the portable one
	// only where io_uring is refused (ENOSYS, EPERM, a sysctl, too old a kernel),
	// which it logs once; a shortage of memory or descriptors is an error.
	Engine Engine

	// Entries is the size of the submission ring: how many requests one system
	// call can start, and the longest possible chain. 1 to MaxEntries, rounded
	// up to a power of two; 0 is DefaultEntries. It costs 64 bytes each, and 32 for
	// completions, of which there is room for 4096 at least.
	Entries int

	// Capacity is how many requests may be pending: submitted, and their
	// terminal completion not yet taken. Beyond it Submit fails with ErrFull.
	// 1 to MaxCapacity; 0 is DefaultCapacity. Half of MaxCapacity of them can be
	// timers. Memory is used as needed: 160 bytes each, 12 more where requests wait for
	// their turn, 28 more where they have timeouts, and 48 for a timer.
	Capacity int

	// InFlight is how many of the pending requests may be in the kernel at a
	// time; the others wait in order of priority. 1 to Capacity; 0 is Capacity.
	InFlight int

	// Reserve keeps the last places of the InFlight window for urgent requests, so
	// that these never wait for less urgent ones to leave the kernel. Normal
	// requests leave Reserve places to those above Normal, and those below leave
	// as many again to Normal ones. 1 to (InFlight-1)/2, and not more where it is
	// given as more; 0 is an eighth of InFlight, at least 1, if InFlight is 3 or
	// more and less than Capacity, else none; negative is none. With a reserve, those
	// below Normal also stay in the queue for up to a millisecond while the kernel has
	// an urgent read or write: doc/priorities.md.
	Reserve int

	// Strict turns ageing off. Without it, the first request of a level that was
	// passed over Patience times goes next. With it, requests that are more urgent
	// can hold up others for ever.
	Strict bool

	// TimerSlack is how late a timer, deadline or timeout of a request may be
	// noticed in favour of fewer wake-ups: all that fall due within this time of
	// the first are handled together. Never is one early. 0 is none; negative is
	// refused. Beyond that, a shared Ring is late by up to a millisecond, which is
	// the resolution of the Go runtime's poller, and a pinned one by the kernel's
	// timer slack (prctl(2), PR_SET_TIMERSLACK).
	TimerSlack time.Duration

	// Pinned makes the Ring belong to the goroutine that calls New, which is
	// locked to its thread until Close. See the package comment.
	Pinned bool

	// Workers is how many blocking calls (package fallback) may run at a time; the
	// others wait in order of priority. Workers are started when needed. 1 to
	// MaxWorkers, so that two Rings at the limit stay below the 10,000 threads that
	// a Go program may have; 0 is DefaultWorkers.
	Workers int

	// LockThreads is how many threads may wait in the kernel for locks (package
	// locks), each for one file or range; where more are contended, the others are
	// tried at intervals. 1 to MaxLockThreads; 0 is DefaultLockThreads.
	LockThreads int

	// KernelWorkers is how many threads the kernel may use, for each thread that
	// submits, for requests which can block without end and have nothing to poll,
	// such as a splice from an empty pipe. More of them wait for their turn: they
	// must not need each other to go on. A thread that has used another Ring before
	// may keep the limit of that one. 1 to MaxKernelWorkers; 0 is
	// DefaultKernelWorkers. Kernels before 5.15 do not obey it. On the portable engine
	// it is the number of threads of the Ring's own for such requests.
	KernelWorkers int

	// DirectFiles is how many direct descriptors (ops.IntoDirect, ops.Register) the
	// Ring can have open; RLIMIT_NOFILE bounds it too. Their table is made when first
	// needed, or by New where the field is set, as pinned Rings want it unless
	// their owner is the first to need it. 1 to MaxDirectFiles, at 8 bytes each; 0 is
	// DefaultDirectFiles.
	DirectFiles int

	// CloseTimeout is how long Close waits for the kernel to let go of all
	// buffers. 0 is DefaultCloseTimeout; negative means for ever.
	CloseTimeout time.Duration
}

// normalize fills in the defaults, or says what is out of range.
func (c *Config) normalize() error {
	if c.Engine > Portable {
		return ops.Invalid("Config.Engine %d: want Auto, IOURing or Portable", c.Engine)
	}
	for _, f := range []struct {
		name      string
		value     *int
		preset    int
		max       int
		maxReason string
	}{
		{"Entries", &c.Entries, DefaultEntries, MaxEntries, "the kernel's limit"},
		{"Capacity", &c.Capacity, DefaultCapacity, MaxCapacity, "what an ID can name"},
		{"InFlight", &c.InFlight, c.Capacity, MaxCapacity, "what an ID can name"},
		{"Workers", &c.Workers, DefaultWorkers, MaxWorkers, "for Go's limit of 10,000 threads"},
		{"LockThreads", &c.LockThreads, DefaultLockThreads, MaxLockThreads, "for Go's limit of 10,000 threads"},
		{"KernelWorkers", &c.KernelWorkers, DefaultKernelWorkers, MaxKernelWorkers, "about as many threads as Linux has"},
		{"DirectFiles", &c.DirectFiles, DefaultDirectFiles, MaxDirectFiles, "the kernel's limit is near"},
	} {
		if *f.value < 0 || *f.value > f.max {
			return ops.Invalid("Config.%s %d: want 0 for the default, or 1 to %d, %s",
				f.name, *f.value, f.max, f.maxReason)
		}
		if *f.value == 0 {
			*f.value = f.preset
		}
	}
	if c.InFlight == 0 {
		c.InFlight = c.Capacity
	}
	if c.InFlight > c.Capacity {
		return ops.Invalid("Config.InFlight %d: want 0 for the default, or 1 to Capacity, %d", c.InFlight, c.Capacity)
	}
	if err := c.normalizeOrder(); err != nil {
		return err
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = DefaultCloseTimeout
	}
	return nil
}

// normalizeOrder is normalize for what orders requests.
func (c *Config) normalizeOrder() error {
	if c.TimerSlack < 0 {
		return ops.Invalid("Config.TimerSlack %v: want 0 or more", c.TimerSlack)
	}
	if c.Reserve == 0 && c.InFlight < c.Capacity {
		c.Reserve = max(c.InFlight/8, 1)
	}
	c.Reserve = max(0, min(c.Reserve, (c.InFlight-1)/2))
	return nil
}
