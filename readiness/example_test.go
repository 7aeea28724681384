package readiness_test

import (
	"fmt"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// What epoll's flags say, the constructor says here.
func Example() {
	const fd = 3
	once := readiness.Once(fd, readiness.Out)
	level := readiness.Level(fd, readiness.In|readiness.RdHup).WithTag("client 7")
	fmt.Println(once.Describe(), readiness.Events(once.Flags))
	fmt.Println(level.Describe(), readiness.Events(level.Flags), level.Tag)

	// A completion, as Wait yields it:
	c := ops.Completion{Code: ops.CodePoll, Res: 0x2001, More: true, Tag: "client 7"}
	if events := readiness.Of(&c); events.Has(readiness.In) {
		fmt.Println(c.Tag, "has", events)
	}
	// Output:
	// fd 3 Out
	// fd 3 In|RdHup client 7
	// client 7 has In|RdHup
}
