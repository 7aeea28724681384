package ring

import (
	"fmt"

	"github.com/sluicego/sluice/ops"
)

// Route is how a Ring carries an operation out.
type Route uint8

const (
	// Unavailable: this kernel lacks the operation, and nothing stands in for it.
	// Submit fails with ErrNotSupported.
	Unavailable Route = iota
	// Native: io_uring does it.
	Native
	// Emulated: the Ring does it by other means: plain system calls, threads, or an older
	// opcode. A request that names what only the kernel's ring has, such as a direct
	// descriptor, may still fail with ErrNotSupported.
	Emulated
)

// String returns "unavailable", "native" or "emulated".
func (r Route) String() string {
	switch r {
	case Unavailable:
		return "unavailable"
	case Native:
		return "native"
	case Emulated:
		return "emulated"
	}
	return fmt.Sprintf("route(%d)", uint8(r))
}

// Operation tells how a Ring carries out one operation.
type Operation struct {
	Code   ops.Code
	Route  Route
	Opcode string // io_uring's name of it, such as "OPENAT"; empty where it has none
	Since  string // the first kernel with the native route, such as "5.6"; empty without
}
