package fallback_test

import (
	"context"
	"fmt"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
)

// Functions that notice a cancel: by their context, or by the signal that ends
// the system call they are in.
func ExampleCallContext() {
	f := func(ctx context.Context) (int, error) { return 0, ctx.Err() }
	for _, r := range []ops.Request{fallback.CallContext(f), fallback.Interruptible(f)} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// call <nil>
	// call <nil>
}
