package fallback_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A name is looked up by a worker, while a timer of the same Ring runs.
func Example() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	lookup := fallback.Value(func(ctx context.Context) ([]string, error) {
		return net.DefaultResolver.LookupHost(ctx, "127.0.0.1")
	})
	r.Submit(lookup.WithTimeout(10 * time.Second).WithTag("lookup"))
	r.Submit(ops.Timer(time.Millisecond).WithTag("timer"))

	for range 2 {
		var c [1]ops.Completion
		if _, err := r.Wait(c[:], 1, ring.Forever); err != nil {
			fmt.Println(err)
			return
		}
		if c[0].Tag == "lookup" {
			addresses, err := fallback.ValueOf[[]string](&c[0])
			fmt.Println(addresses, err)
		}
	}
	// Output: [127.0.0.1] <nil>
}

// A directory is read by a worker.
func ExampleCall() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	c, err := r.Do(context.Background(), fallback.Call(func() (int, error) {
		names, err := os.ReadDir("/proc/self/fd")
		return min(len(names), 1), err
	}))
	fmt.Println(c.N(), err)
	// Output: 1 <nil>
}
