package readiness_test

import (
	"fmt"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// A poll is edge-triggered, and changed while it is pending.
func ExampleChange() {
	const fd, id = 3, ops.ID(1 << 24) // the ID is Submit's
	for _, r := range []ops.Request{readiness.Edge(fd, readiness.In), readiness.Change(id, readiness.In|readiness.Out)} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// poll <nil>
	// poll update <nil>
}
