package ops_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/sluicego/sluice/ops"
)

// A request is a value: it says what to do, and does nothing by itself.
func Example() {
	buf := make([]byte, 4096)
	r := ops.Read(3, buf, 0).WithPriority(ops.High).WithTimeout(time.Second).WithTag("header")
	fmt.Println(r.Code, r.Describe(), r.Priority, r.Timeout, r.Tag)
	fmt.Println(r.Validate())
	// Output:
	// read fd 3 high 1s header
	// <nil>
}

// What makes no sense is refused before it reaches the kernel.
func ExampleRequest_Validate() {
	r := ops.Open("etc/\x00passwd", os.O_RDONLY, 0)
	err := r.Validate()
	fmt.Println(err)
	fmt.Println(errors.Is(err, ops.ErrInvalid), errors.Is(err, syscall.EINVAL))
	// Output:
	// openat: invalid request: the path contains a NUL byte
	// true true
}

// Each request of a chain starts when the one before it has succeeded.
func ExampleChain() {
	group := ops.Chain(
		ops.Write(3, []byte("entry"), ops.Current),
		ops.Fdatasync(3),
		ops.Timer(time.Second),
	)
	for _, r := range group {
		fmt.Println(r.Code, r.Link == ops.Soft)
	}
	// Output:
	// write true
	// fsync true
	// timer false
}

func ExampleInet() {
	a := ops.Inet(netip.MustParseAddrPort("[2001:db8::1]:443"))
	fmt.Println(a, a.AddrPort().Port())
	fmt.Println(ops.UNIX("@session"))
	// Output:
	// [2001:db8::1]:443 443
	// @session
}

// Requests that touch no file: the round trip alone, and a moment to come.
func ExampleTimerAt() {
	for _, r := range []ops.Request{ops.Nop(), ops.TimerAt(time.Now().Add(time.Minute))} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// nop <nil>
	// timer <nil>
}
