//go:build !linux

package interrupt

import (
	"sync/atomic"
	"syscall"

	"github.com/sluicego/sluice/ops"
)

// Supported reports whether calls can be interrupted on this system.
const Supported = false

// Call is a stretch of code that only notices that it was interrupted.
type Call struct{ wanted atomic.Bool }

// Interrupted reports whether Interrupt was called.
func (c *Call) Interrupted() bool { return c.wanted.Load() }

// Run runs f.
func (c *Call) Run(f func()) { f() }

// Interrupt makes Interrupted report true.
func (c *Call) Interrupt() { c.wanted.Store(true) }

// Signal returns 0: no signal is reserved.
func Signal() syscall.Signal { return 0 }

// UseNumber fails: no signal is of use here.
func UseNumber(int) error { return ops.ErrNotSupported }
