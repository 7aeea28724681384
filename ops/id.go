package ops

import "fmt"

// ID identifies an accepted request of one Ring until its terminal completion,
// for Cancel and for logs. IDs are not reused: one that has ended is refused by
// Cancel with ErrNotFound. The zero ID is never given out.
type ID uint64

// String formats the ID as slot and generation; those of timers begin with #t.
func (id ID) String() string {
	if id>>62 == 1 {
		return fmt.Sprintf("#t%d.%d", uint64(id)&(1<<24-1), uint64(id)>>24&(1<<38-1))
	}
	return fmt.Sprintf("#%d.%d", uint64(id)&(1<<24-1), uint64(id)>>24)
}
